#include "server/config.hpp"

#include <envDefs.h>
#include <epicsStdlib.h>
#include <epicsString.h>

#include <sstream>

namespace pcas {
namespace {

// Null if the variable is unset or blank (envDefs.h).
const char* text_of(const ENV_PARAM& parameter) {
    const char* text = envGetConfigParamPtr(&parameter);
    return text && *text ? text : nullptr;
}

std::vector<std::string> words_of(const ENV_PARAM& parameter) {
    std::vector<std::string> out;
    if (const char* text = text_of(parameter)) {
        std::istringstream words(text);
        for (std::string word; words >> word;) out.push_back(word);
    }
    return out;
}

bool is_yes(const char* text) { return epicsStrCaseCmp(text, "yes") == 0; }

std::uint16_t port_of(const ENV_PARAM& parameter, const ENV_PARAM& fallback,
                      std::uint16_t standard) {
    const ENV_PARAM& used = text_of(parameter) ? parameter : fallback;
    return envGetInetPortConfigParam(&used, standard);
}

double period_of(std::vector<std::string>& warnings) {
    constexpr double kStandard = 15.0;
    const ENV_PARAM& used = text_of(EPICS_CAS_BEACON_PERIOD) ? EPICS_CAS_BEACON_PERIOD
                                                             : EPICS_CA_BEACON_PERIOD;
    double period = kStandard;
    if (envGetDoubleConfigParam(&used, &period) != 0 || !(period > 0)) {
        warnings.push_back(std::string(used.name) + " is not a positive number: " +
                           std::to_string(kStandard) + " s is used");
        period = kStandard;
    }
    if (period < Config::kLeastBeaconPeriod) {
        warnings.push_back(std::string(used.name) + " is too short: " +
                           std::to_string(Config::kLeastBeaconPeriod) + " s is used");
        period = Config::kLeastBeaconPeriod;
    }
    return period;
}

std::uint64_t array_bytes_of(std::uint64_t standard) {
    constexpr long kLeast = 16384;
    const char* automatic = text_of(EPICS_CA_AUTO_ARRAY_BYTES);
    if (!automatic || is_yes(automatic)) return standard;
    long bytes = kLeast;
    envGetLongConfigParam(&EPICS_CA_MAX_ARRAY_BYTES, &bytes);
    return static_cast<std::uint64_t>(bytes < kLeast ? kLeast : bytes);
}

}  // namespace

Config Config::from_environment(std::vector<std::string>& warnings) {
    Config config;
    config.udp_port = port_of(EPICS_CAS_SERVER_PORT, EPICS_CA_SERVER_PORT, 5064);
    config.tcp_port = config.udp_port;
    config.interfaces = words_of(EPICS_CAS_INTF_ADDR_LIST);
    config.ignored = words_of(EPICS_CAS_IGNORE_ADDR_LIST);
    config.beacon_addresses = words_of(EPICS_CAS_BEACON_ADDR_LIST);
    const char* automatic = text_of(EPICS_CAS_AUTO_BEACON_ADDR_LIST);
    config.auto_beacon_addresses = !automatic || is_yes(automatic);
    config.beacon_port = port_of(EPICS_CAS_BEACON_PORT, EPICS_CA_REPEATER_PORT, 5065);
    config.beacon_period = period_of(warnings);
    config.max_request = array_bytes_of(config.max_request);
    config.max_response = array_bytes_of(config.max_response);
    long ttl = 1;
    if (text_of(EPICS_CA_MCAST_TTL) &&
        (envGetLongConfigParam(&EPICS_CA_MCAST_TTL, &ttl) != 0 || ttl < 0 ||
         ttl > 255)) {
        warnings.push_back("EPICS_CA_MCAST_TTL is not 0 to 255: 1 is used");
        ttl = 1;
    }
    config.multicast_ttl = static_cast<std::uint8_t>(ttl);
    return config;
}

}  // namespace pcas
