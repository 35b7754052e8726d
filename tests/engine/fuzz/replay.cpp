// replay TARGET FILE...   one fuzz target over files, without libFuzzer: `make test`
// runs the corpora with it.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "dbr.hpp"
#include "events.hpp"
#include "framer.hpp"
#include "search.hpp"
#include "session.hpp"
#include "values.hpp"

namespace {

using Target = void (*)(std::span<const std::byte>);

Target target_of(const std::string& name) {
    if (name == "framer") return fuzz::framer::run_target;
    if (name == "dbr") return fuzz::dbr::run_target;
    if (name == "session") return fuzz::session::run_target;
    if (name == "search") return fuzz::search::run_target;
    if (name == "events") return fuzz::events::run_target;
    if (name == "values") return fuzz::values::run_target;
    return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    const Target target = argc > 2 ? target_of(argv[1]) : nullptr;
    if (!target) {
        std::fprintf(stderr, "usage: replay TARGET FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc; ++i) {
        std::printf("%s\n", argv[i]);
        std::fflush(stdout);
        std::ifstream file(argv[i], std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(file), {});
        target(std::as_bytes(std::span(text)));
    }
    return 0;
}
