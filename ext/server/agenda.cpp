#include "server/agenda.hpp"

#include <algorithm>
#include <chrono>

#include "server/circuit.hpp"

namespace pcas {
namespace {

// Of a turn, for the requests of all circuits.
constexpr std::chrono::milliseconds kForRequests{8};
constexpr std::chrono::microseconds kLeastSlice{50};

}  // namespace

void Agenda::mark_output(Circuit& circuit, bool answer) {
    (answer ? with_answers_ : with_updates_).push_back(circuit);
}

void Agenda::mark_work(Circuit& circuit) { with_work_.push_back(circuit); }
void Agenda::mark_starved(Circuit& circuit) { starved_.push_back(circuit); }
void Agenda::discard(Circuit& circuit) { discarded_.push_back(circuit); }

Circuit* Agenda::first_discarded() noexcept {
    return discarded_.empty() ? nullptr : &discarded_.front();
}

void Agenda::begin_turn(std::size_t ready) noexcept {
    const auto circuits = static_cast<long>(std::max<std::size_t>(ready, 1));
    slice_ = std::clamp<TimeBudget::Clock::duration>(kForRequests / circuits,
                                                     kLeastSlice, TimeBudget::kSlice);
}

// What a flush makes room for goes out in the next turn, so that no circuit keeps the
// loop for itself.
void Agenda::flush_output() {
    IntrusiveList<Circuit, FlushTag> now;
    now.splice(with_answers_);
    while (!now.empty()) {
        Circuit& circuit = now.front();
        circuit.ListNode<Circuit, FlushTag>::leave();
        circuit.flush();
    }
    flush_updates();
}

// For a slice of time; the others are the first of the next turn.
void Agenda::flush_updates() {
    if (with_updates_.empty()) return;
    const TimeBudget budget;
    IntrusiveList<Circuit, FlushTag> now;
    now.splice(with_updates_);
    while (!now.empty()) {
        Circuit& circuit = now.front();
        circuit.ListNode<Circuit, FlushTag>::leave();
        circuit.flush();
        if (!budget.left()) break;
    }
    now.splice(with_updates_);
    with_updates_.splice(now);
}

// Requests and text that a circuit had no time for, for a slice of time.
void Agenda::go_on() {
    if (with_work_.empty()) return;
    const TimeBudget budget(kForRequests / 4);
    IntrusiveList<Circuit, WorkTag> now;
    now.splice(with_work_);
    while (!now.empty()) {
        Circuit& circuit = now.front();
        circuit.ListNode<Circuit, WorkTag>::leave();
        circuit.go_on();
        if (!budget.left()) break;
    }
    now.splice(with_work_);
    with_work_.splice(now);
}

void Agenda::feed() {
    IntrusiveList<Circuit, StarvedTag> now;
    now.splice(starved_);
    while (!now.empty()) {
        Circuit& circuit = now.front();
        circuit.ListNode<Circuit, StarvedTag>::leave();
        circuit.go_on();
    }
}

}  // namespace pcas
