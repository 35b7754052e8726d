#include "server/config.hpp"

#include <envDefs.h>
#include <epicsString.h>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace pcas {
namespace {

// The largest value in bytes, if EPICS_CA_AUTO_ARRAY_BYTES is NO.
std::uint64_t array_bytes_of(std::uint64_t standard) {
    constexpr long kLeast = 16384;
    const char* automatic = envGetConfigParamPtr(&EPICS_CA_AUTO_ARRAY_BYTES);
    if (!automatic || !*automatic || epicsStrCaseCmp(automatic, "yes") == 0) {
        return standard;
    }
    long bytes = kLeast;
    envGetLongConfigParam(&EPICS_CA_MAX_ARRAY_BYTES, &bytes);
    return static_cast<std::uint64_t>(std::max(bytes, kLeast));
}

}  // namespace

Config Config::from_environment(std::vector<std::string>& warnings) {
    Config config;
    read_environment(config, warnings);
    config.max_request = array_bytes_of(config.max_request);
    config.max_response = array_bytes_of(config.max_response);
    return config;
}

bool Config::set(std::string_view name, double number) {
    if (const LimitInfo* limit = find_limit(name)) {
        this->*limit->where = static_cast<std::uint64_t>(number);
        return true;
    }
    const OptionInfo* option = find_option(name);
    if (!option || option->is_list()) return false;
    std::visit(
        [&](auto member) {
            using Value = std::remove_reference_t<decltype(this->*member)>;
            if constexpr (!std::is_same_v<Value, Words>) {
                this->*member = static_cast<Value>(number);
            }
        },
        option->where);
    return true;
}

bool Config::set(std::string_view name, Words words) {
    const OptionInfo* option = find_option(name);
    if (!option || !option->is_list()) return false;
    this->*std::get<Words Options::*>(option->where) = std::move(words);
    return true;
}

}  // namespace pcas
