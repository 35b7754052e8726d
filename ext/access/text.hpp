// The text of an access security file: macros before asLib reads it, and what asLib had
// to say about it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pcas {

// `text` with the macros of `definitions` ("A=x,B=y") put in by EPICS' macLib, line by
// line. Throws std::invalid_argument: "source:line: ..." for a macro that is not
// defined.
std::string expand_macros(const std::string& text, const std::string& source,
                          const std::string& definitions);

// Whether the rules, macros put in, have an ASG(`group`), be it an empty one.
bool defines_group(std::string_view rules, std::string_view group);

// The rules with each host of a HAG as `address_of` gives it, in quotation marks. A
// host for which it gives nothing stays as it is, and a warning is added.
std::string with_addresses(
    std::string_view rules, const std::string& source,
    const std::function<std::string(const std::string& host)>& address_of,
    std::vector<std::string>& warnings);

// One text "source:line: reason" from what asLib printed ("ERROR syntax error at line
// 3") and logged ("No User Access Group named 'x' defined") about rules it refused.
std::string explain_refusal(std::string_view rules, const std::string& source,
                            const std::string& printed, const std::string& logged);

// The warnings in what asLib printed, each as "source:line: text".
std::vector<std::string> warnings_in(const std::string& source,
                                     const std::string& printed);

}  // namespace pcas
