#include "server/limits.hpp"

#include <array>

namespace pcas {

std::span<const LimitInfo> limit_table() noexcept {
#define PCAS_INFO(name, standard, least, most, of, then) \
    LimitInfo{#name, standard, least, most, of, then, &Limits::name},
    static constexpr std::array kTable{PCAS_LIMITS(PCAS_INFO)};
#undef PCAS_INFO
    return kTable;
}

const LimitInfo* find_limit(std::string_view name) noexcept {
    for (const LimitInfo& limit : limit_table()) {
        if (limit.name == name) return &limit;
    }
    return nullptr;
}

}  // namespace pcas
