// The text of an access security file: macros before asLib reads it, and what asLib had
// to say about it.
#pragma once

#include <string>
#include <vector>

namespace pcas {

// `text` with the macros of `definitions` ("A=x,B=y") put in by EPICS' macLib, line by
// line. Throws std::invalid_argument: "source:line: ..." for a macro that is not
// defined.
std::string expand_macros(const std::string& text, const std::string& source,
                          const std::string& definitions);

// One text "source:line: reason" from what asLib printed ("ERROR syntax error at line
// 3") and logged ("No User Access Group named 'x' defined") about a file it refused.
std::string explain_refusal(const std::string& source, const std::string& printed,
                            const std::string& logged);

// The warnings in what asLib printed, each as "source:line: text".
std::vector<std::string> warnings_in(const std::string& source,
                                     const std::string& printed);

}  // namespace pcas
