#include "net/networks.hpp"

#include <system_error>

#include "base/log.hpp"
#include "net/sockets.hpp"

namespace pcas {

std::vector<std::string> broadcast_networks(const std::string& interface) {
    sockaddr_in address;
    if (!resolve(interface, 0, address)) {
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                "there is no address " + printable(interface));
    }
    const UniqueSocket socket = open_udp();
    std::vector<std::string> found;
    for (const in_addr& each : broadcast_addresses(socket.get(), address.sin_addr)) {
        found.push_back(dotted(each));
    }
    return found;
}

}  // namespace pcas
