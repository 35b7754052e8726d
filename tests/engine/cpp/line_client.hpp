// A client of the line server.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <string>
#include <utility>

#include "check.hpp"
#include "line_server.hpp"

namespace lines {

class LineClient {
  public:
    explicit LineClient(LineServer& server, int buffer = 1 << 20)
        : fd_(server.connect(buffer)) {
        const timeval patience{60, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    void send(const std::string& line) const {
        const std::string whole = line + '\n';
        REQUIRE(::send(fd_.get(), whole.data(), whole.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(whole.size()));
    }
    // The next line, for which it waits; empty if the server has closed.
    std::string next() {
        std::size_t end;
        while ((end = got_.find('\n')) == std::string::npos) {
            std::array<char, 4096> bytes;
            const auto n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
            if (n < 0) return "nothing came";
            if (n == 0) return "";
            got_.append(bytes.data(), static_cast<std::size_t>(n));
        }
        std::string line = got_.substr(0, end);
        got_.erase(0, end + 1);
        return line;
    }
    std::string ask(const std::string& line) {
        send(line);
        return next();
    }

  private:
    UniqueSocket fd_;
    std::string got_;
};

}  // namespace lines
