// The little that the engine's tests need of a test framework.
//
//     TEST_CASE("swap: odd lengths") {
//         REQUIRE(made != nullptr);      // ends the case if false
//         CHECK(count == 3u);            // notes a failure, both values, and goes on
//     }
//
// Inside loops, NOTE("type", i) adds to the messages of failures in its scope.
#pragma once

#include <exception>
#include <ostream>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace check {

struct Case {
    const char* name;
    void (*run)();
};

std::vector<Case>& cases();
std::vector<std::string>& notes();
void report_failure(const char* file, int line, const char* expression,
                    const std::string& values);

struct Registered {
    Registered(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

// Thrown by REQUIRE to leave a test case.
struct Abandoned : std::exception {};

template <class T>
std::string shown(const T& value) {
    std::ostringstream out;
    out.precision(17);
    if constexpr (std::is_enum_v<T>) {
        out << static_cast<long long>(value);
    } else if constexpr (sizeof(T) == 1 && std::is_integral_v<T>) {
        out << static_cast<int>(value);  // a byte, not a character
    } else if constexpr (requires { out << value; }) {
        out << value;
    } else {
        out << "?";
    }
    return out.str();
}

struct Result {
    bool passed;
    std::string values;
};

// Left side of a comparison, caught before the comparison is made.
template <class T>
struct Left {
    const T& value;

    template <class U>
    Result operator==(const U& right) const {
        return made(value == right, right);
    }
    template <class U>
    Result operator!=(const U& right) const {
        return made(value != right, right);
    }
    template <class U>
    Result operator<(const U& right) const {
        return made(value < right, right);
    }
    template <class U>
    Result operator<=(const U& right) const {
        return made(value <= right, right);
    }
    template <class U>
    Result operator>(const U& right) const {
        return made(value > right, right);
    }
    template <class U>
    Result operator>=(const U& right) const {
        return made(value >= right, right);
    }
    operator Result() const { return {static_cast<bool>(value), shown(value)}; }

  private:
    template <class U>
    Result made(bool passed, const U& right) const {
        if (passed) return {true, {}};
        return {false, shown(value) + " against " + shown(right)};
    }
};

struct Catcher {
    template <class T>
    Left<T> operator<<(const T& value) const {
        return {value};
    }
};

struct Note {
    template <class T>
    Note(const char* name, const T& value) {
        notes().push_back(std::string(name) + " " + shown(value));
    }
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;
    ~Note() { notes().pop_back(); }
};

inline bool verify(const Result& result, const char* file, int line,
                   const char* expression) {
    if (!result.passed) report_failure(file, line, expression, result.values);
    return result.passed;
}

}  // namespace check

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)

#define CHECK_CASE_(name, id)                                                          \
    static void CHECK_JOIN(case_, id)();                                               \
    static const check::Registered CHECK_JOIN(registered_, id){name,                   \
                                                               CHECK_JOIN(case_, id)}; \
    static void CHECK_JOIN(case_, id)()
#define TEST_CASE(name) CHECK_CASE_(name, __LINE__)

#define CHECK_VERIFY_(...) \
    check::verify(check::Catcher{} << __VA_ARGS__, __FILE__, __LINE__, #__VA_ARGS__)
#define CHECK(...) static_cast<void>(CHECK_VERIFY_(__VA_ARGS__))
#define REQUIRE(...)                                               \
    do {                                                           \
        if (!CHECK_VERIFY_(__VA_ARGS__)) throw check::Abandoned(); \
    } while (false)
#define NOTE(name, value) const check::Note CHECK_JOIN(note_, __LINE__)(name, value)
