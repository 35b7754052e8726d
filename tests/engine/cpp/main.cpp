// engine_tests --list        names of all test cases, one a line
// engine_tests [NAME...]     runs all, or those whose name is NAME
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "check.hpp"

namespace check {

// A case that takes longer hangs: the signal ends the program.
static constexpr unsigned kMostSeconds = 120;

static int failures = 0;

std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

std::vector<std::string>& notes() {
    static std::vector<std::string> now;
    return now;
}

void report_failure(const char* file, int line, const char* expression,
                    const std::string& values) {
    ++failures;
    std::printf("%s:%d: %s\n    %s\n", file, line, expression, values.c_str());
    for (const std::string& note : notes()) std::printf("    %s\n", note.c_str());
}

// True if the case passed.
static bool run(const Case& test) {
    const int before = failures;
    ::alarm(kMostSeconds);
    try {
        test.run();
    } catch (const Abandoned&) {
        // reported where it happened
    } catch (const std::exception& error) {
        report_failure(test.name, 0, "unexpected exception", error.what());
    }
    return failures == before;
}

}  // namespace check

int main(int argc, char** argv) {
    auto& cases = check::cases();
    std::sort(cases.begin(), cases.end(), [](const auto& a, const auto& b) {
        return std::strcmp(a.name, b.name) < 0;
    });
    const std::vector<std::string> wanted(argv + 1, argv + argc);
    if (!wanted.empty() && wanted[0] == "--list") {
        for (const auto& test : cases) std::puts(test.name);
        return 0;
    }
    int ran = 0;
    int failed = 0;
    for (const auto& test : cases) {
        const bool chosen = wanted.empty() || std::find(wanted.begin(), wanted.end(),
                                                        test.name) != wanted.end();
        if (!chosen) continue;
        ++ran;
        if (check::run(test)) continue;
        ++failed;
        std::printf("FAILED: %s\n", test.name);
    }
    std::printf("%d of %d passed\n", ran - failed, ran);
    return failed == 0 && ran > 0 ? 0 : 1;
}
