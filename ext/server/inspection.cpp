// What the server says of its circuits to whoever looks inside.
#include <chrono>
#include <future>
#include <optional>
#include <utility>

#include "net/time_budget.hpp"
#include "server/circuits.hpp"
#include "server/inquiry.hpp"
#include "server/loop.hpp"
#include "server/server.hpp"
#include "server/server_control.hpp"

namespace pcas {
namespace {

// Nothing if the loop ends, or does not answer in time.
template <class Rows>
std::optional<Rows> wait_for(std::future<Rows> answer,
                             std::chrono::milliseconds timeout) {
    if (answer.wait_for(timeout) != std::future_status::ready) return {};
    try {
        return answer.get();
    } catch (const std::future_error&) {
        return {};
    }
}

}  // namespace

ClientRow Circuit::row() const {
    ClientRow row;
    row.number = id_;
    row.client = identity_;
    row.channels = channels_.size();
    row.subscriptions = subscriptions_;
    row.since = since_;
    row.held = held_bytes();
    row.waiting = in_flight_.requests();
    row.sent = sent_bytes_;
    row.received = received_bytes_;
    return row;
}

ChannelRows Circuit::channel_rows(std::size_t offset, std::size_t limit) {
    ChannelRows found;
    found.found = true;
    found.total = channels_.size();
    std::size_t at = 0;
    channels_.for_each([&](const Channel& channel) {
        const std::size_t place = at++;
        if (place < offset || place - offset >= limit) return;
        found.rows.push_back({std::string(channel.pv->name()),
                              channel.subscriptions ? channel.subscriptions->size() : 0,
                              channel.may_read(), channel.may_write()});
    });
    return found;
}

bool CircuitList::go_on(Circuits& circuits) {
    if (circuits.buckets() != buckets_) {
        buckets_ = circuits.buckets();
        next_ = 0;
        rows_.clear();
        rows_.reserve(circuits.size());
    }
    Pace pace;
    while (next_ < buckets_) {
        circuits.for_each_in(next_++, [&](const Circuit& circuit) {
            if (!circuit.closing()) rows_.push_back(circuit.row());
        });
        if (pace.over()) return false;
    }
    answer_.set_value(std::move(rows_));
    return true;
}

bool ChannelList::go_on(Circuits& circuits) {
    Circuit* circuit = circuits.find(circuit_);
    answer_.set_value(circuit ? circuit->channel_rows(offset_, limit_) : ChannelRows());
    return true;
}

// Without the mutex while it waits: the loop may end meanwhile.
std::optional<std::vector<ClientRow>> Server::clients(
    std::chrono::milliseconds timeout) const {
    auto list = std::make_shared<CircuitList>();
    auto answer = list->answer();
    if (!ask(std::move(list))) return {};
    return wait_for(std::move(answer), timeout);
}

std::optional<ChannelRows> Server::channels(std::uint64_t circuit, std::size_t offset,
                                            std::size_t limit,
                                            std::chrono::milliseconds timeout) const {
    auto list = std::make_shared<ChannelList>(circuit, offset, limit);
    auto answer = list->answer();
    if (!ask(std::move(list))) return {};
    return wait_for(std::move(answer), timeout);
}

bool Server::ask(std::shared_ptr<Inquiry> inquiry) const {
    std::lock_guard lock(control_->mutex);
    if (!control_->loop) return false;
    control_->loop->ask(std::move(inquiry));
    return true;
}

}  // namespace pcas
