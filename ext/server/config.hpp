// What a server is told at its start: addresses, ports and limits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/export.hpp"
#include "server/limits.hpp"
#include "server/options.hpp"

namespace pcas {

struct Config : Limits, Options {
    // What the environment says, as libCom reads it. Text of what was not usable goes
    // to `warnings`.
    PCAS_API static Config from_environment(std::vector<std::string>& warnings);

    // Sets the option or limit of that name, from a value that it may have; false if
    // there is none that takes such a value.
    PCAS_API bool set(std::string_view name, double number);
    PCAS_API bool set(std::string_view name, Words words);
};

}  // namespace pcas
