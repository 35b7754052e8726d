#include "server/rights_changes.hpp"

#include <new>

#include "server/circuits.hpp"

namespace pcas {

void RightsChanges::push(Entry entry) noexcept {
    try {
        changes_.push(entry);
    } catch (const std::bad_alloc&) {
        any_ = true;
        changes_.flush();
    }
}

void RightsChanges::apply(Circuits& circuits) {
    changes_.take(taken_);
    if (any_.exchange(false)) {
        circuits.for_each([](Circuit& circuit) { circuit.change_all_rights(); });
    }
    for (const Entry& entry : taken_) {
        if (Circuit* circuit = circuits.find(entry.circuit)) {
            circuit->change_rights(entry.sid);
        }
    }
    taken_.clear();
}

}  // namespace pcas
