#include "pva/counters.hpp"

#include <array>

namespace pcas::pva {

std::span<const CounterInfo> counter_table() noexcept {
#define PCAS_INFO(kind, name, meaning) \
    CounterInfo{#name, CounterKind::kind, meaning, &Counters::name},
    static constexpr std::array kTable{PCAS_PVA_COUNTERS(PCAS_INFO)};
#undef PCAS_INFO
    return kTable;
}

}  // namespace pcas::pva
