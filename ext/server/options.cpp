#include "server/options.hpp"

#include <epicsStdlib.h>
#include <epicsString.h>

#include <array>
#include <sstream>
#include <type_traits>

namespace pcas {

namespace {
// libCom's structure has no const texts.
char neighbours_name[] = "PCASPY_NEIGHBOURS";
char yes[] = "YES";
}  // namespace
const ENV_PARAM PCASPY_NEIGHBOURS{neighbours_name, yes};

namespace {

// Null if the variable is unset or blank (envDefs.h).
const char* text_of(const ENV_PARAM& parameter) {
    const char* text = envGetConfigParamPtr(&parameter);
    return text && *text ? text : nullptr;
}

// One variable of the environment, read as what its option is. What is not usable
// leaves the standard.
struct Reading {
    const OptionInfo& option;
    const ENV_PARAM& used;
    std::vector<std::string>& warnings;

    void warn(const char* wrong, double instead) const {
        std::ostringstream text;
        text << used.name << " is " << wrong << ": using " << instead;
        warnings.push_back(text.str());
    }

    void operator()(Port& port) const { port = envGetInetPortConfigParam(&used, port); }

    void operator()(Hops& hops) const {
        long number = 0;
        if (!text_of(used)) return;
        if (envGetLongConfigParam(&used, &number) == 0 &&
            static_cast<double>(number) >= option.least &&
            static_cast<double>(number) <= option.most) {
            hops = static_cast<Hops>(number);
        } else {
            warn("not 0 to 255", hops);
        }
    }

    void operator()(Seconds& seconds) const {
        double number = 0;
        if (!text_of(used)) return;
        if (envGetDoubleConfigParam(&used, &number) != 0 || !(number > 0)) {
            warn("not a positive number", seconds);
        } else if (number < option.least) {
            warn("too short", option.least);
            seconds = option.least;
        } else {
            seconds = number;
        }
    }

    void operator()(bool& on) const {
        if (const char* text = text_of(used)) on = epicsStrCaseCmp(text, "yes") == 0;
    }

    void operator()(Words& words) const {
        const char* text = text_of(used);
        std::istringstream given(text ? text : "");
        for (std::string word; given >> word;) words.push_back(word);
    }
};

}  // namespace

std::span<const OptionInfo> option_table() {
#define PCAS_INFO(type, name, standard, least, most, variable, stand_in, meaning) \
    OptionInfo{#name, least, most, &(variable), &(stand_in), meaning, &Options::name},
    static const std::array kTable{PCAS_OPTIONS(PCAS_INFO)};
#undef PCAS_INFO
    return kTable;
}

const OptionInfo* find_option(std::string_view name) {
    for (const OptionInfo& option : option_table()) {
        if (option.name == name) return &option;
    }
    return nullptr;
}

double OptionInfo::standard() const {
    const Options options;
    return std::visit(
        [&](auto member) -> double {
            if constexpr (std::is_same_v<decltype(member), Words Options::*>) {
                return 0;
            } else {
                return static_cast<double>(options.*member);
            }
        },
        where);
}

void read_environment(Options& options, std::vector<std::string>& warnings) {
    for (const OptionInfo& option : option_table()) {
        const ENV_PARAM& used =
            text_of(*option.variable) ? *option.variable : *option.stand_in;
        const Reading reading{option, used, warnings};
        std::visit([&](auto member) { reading(options.*member); }, option.where);
    }
}

}  // namespace pcas
