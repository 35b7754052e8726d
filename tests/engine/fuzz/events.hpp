// Invariant: whatever types, counts, statuses and orders libca calls back with, each
// value is kept whole with its own type and count or becomes a status, each request
// ends once, nothing is read past the data, and nothing is left behind.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "client/callbacks.hpp"
#include "client/calls.hpp"
#include "client/process.hpp"
#include "fuzz_input.hpp"

namespace fuzz::events {

using namespace aioca;

constexpr std::size_t kMonitors = 3;
constexpr std::size_t kSlots = 4;

// The channel that libca was given is what it is asked about: there is no libca here.
inline aioca::Channel* channel_of(chid id) {
    return reinterpret_cast<aioca::Channel*>(id);
}

// What the channel of this process reports when it is asked.
inline short native_type = 0;
inline unsigned long native_count = 0;

inline Process& fake_process() {
    static const bool filled = [] {
        auto* p = &process();
        p->api.ca_puser = [](chid id) -> void* { return channel_of(id); };
        p->api.ca_field_type = [](chid) { return native_type; };
        p->api.ca_element_count = [](chid) { return native_count; };
        p->api.ca_name = [](chid) { return "name"; };
        p->api.ca_get_host_name = [](chid, char* to, unsigned size) -> unsigned {
            return static_cast<unsigned>(std::snprintf(to, size, "host:5064"));
        };
        p->api.ca_clear_channel = [](chid) { return ECA_NORMAL; };
        p->api.value_size = dbr_value_size;
        p->api.value_offset = dbr_value_offset;
        return true;
    }();
    static_cast<void>(filled);
    return process();
}

// What a callback was called with, and so what has to arrive.
struct Expected {
    long type;
    unsigned long count;
    int status;
    unsigned char fill;

    bool matches(const CaApi& api, Block& block) const {
        if (status != ECA_NORMAL) {
            return block.type == STATUS_ONLY && block.status == status;
        }
        if (block.type != type || block.count != count || block.status != status) {
            return false;
        }
        const std::size_t head = api.value_offset[type];
        const std::size_t bytes = count * api.value_size[type];
        return all(block.data(), head) && all(block.elements, bytes);
    }
    bool all(const char* at, std::size_t n) const {
        return std::all_of(at, at + n, [this](char c) {
            return static_cast<unsigned char>(c) == fill;
        });
    }
};

class Client {
  public:
    Client() : api_(fake_process().api), queue_(new Queue(api_, fake_process().nodes)) {
        channel_ = new aioca::Channel(queue_);
        channel_->id = reinterpret_cast<chid>(channel_);
        channel_->owner = channel_;
        fake_process().channels.insert(channel_);
        fake_process().queues = {queue_};
        for (std::size_t i = 0; i < kMonitors; ++i) open_monitor(i);
    }

    void run(Input& input) {
        while (!input.empty()) step(input);
        drain();
        for (Monitor*& monitor : monitors_) {
            close_monitor(std::exchange(monitor, nullptr));
        }
        end_batch(true);
        close_channel(channel_);
        drain();
        fake_process().queues.clear();
        FUZZ_REQUIRE(fake_process().channels.empty());
        FUZZ_REQUIRE(fake_process().nodes == 0);
        FUZZ_REQUIRE(!queue_->batches);
        queue_->let_go();
    }

  private:
    void step(Input& input) {
        const std::uint8_t what = input.u8();
        switch (what & 15) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4:
                return update(input, what >> 4);
            case 5:
            case 6:
                return reply(input, what >> 4);
            case 7:
                return begin_batch(what >> 4, input.u8() % 39);
            case 8:
                return end_batch(what & 16);
            case 9:
            case 10:
                return connection(input, what & 16);
            case 11:
                return rights(what);
            case 12:
                return exception(what & 16);
            case 13:
                return reopen(what >> 4, input.u8() % 39);
            default:
                return drain();
        }
    }

    void open_monitor(std::size_t i, long type = DBR_TIME_DOUBLE) {
        monitors_[i] = new Monitor(channel_);
        monitors_[i]->owner = monitors_[i];
        monitors_[i]->type = type;
        monitors_[i]->all_updates = i % 2;
        monitors_[i]->notify_disconnect = i / 2;
        channel_->monitors.push_back(monitors_[i]);
        expected_[i].clear();
    }

    void reopen(std::size_t which, long type) {
        const std::size_t i = which % kMonitors;
        close_monitor(monitors_[i]);
        open_monitor(i, type);
    }

    // Calls `callback` with a value in memory that ends where it ends.
    template <class Callback>
    Expected call(Input& input, void* user, long asked, Callback callback) {
        event_handler_args args{};
        args.usr = user;
        args.chid = channel_->id;
        const std::uint8_t type = input.u8();
        args.type = type < 128 ? asked : type % 48 - 4;
        const std::uint8_t size = input.u8();
        args.count = size < 250 ? size - 4 : static_cast<long>(input.u16()) - 8;
        args.status = input.u8() % 8 ? ECA_NORMAL : ECA_GETFAIL;
        const bool no_data = input.u8() % 16 == 0;
        const bool known = args.type >= 0 && args.type <= DBR_CLASS_NAME;
        Expected expected{args.type, 0, args.status, ++serial_};
        if (args.status == ECA_NORMAL && (!known || args.type != asked)) {
            expected.status = ECA_BADTYPE;
        }
        if (args.count > 0) expected.count = static_cast<unsigned long>(args.count);
        if (expected.status == ECA_NORMAL && no_data) {
            if (expected.count > 0) expected.status = ECA_GETFAIL;
            expected.fill = 0;
        }
        std::vector<unsigned char> data;
        if (known && !no_data) {
            data.assign(api_.value_offset[args.type] +
                            expected.count * api_.value_size[args.type],
                        expected.fill);
            data.shrink_to_fit();
            // A vector without elements has no memory, but libca gives an address.
            static const unsigned char nothing = 0;
            args.dbr = data.empty() ? &nothing : data.data();
        }
        callback(args);
        return expected;
    }

    void update(Input& input, std::size_t which) {
        const std::size_t i = which % kMonitors;
        const bool stale = monitors_[i]->stale;
        const Expected expected =
            call(input, monitors_[i], monitors_[i]->type, on_update);
        if (!stale) expect(i, expected);
    }

    void expect(std::size_t i, const Expected& expected) {
        if (!monitors_[i]->all_updates) expected_[i].clear();
        expected_[i].push_back(expected);
    }

    void begin_batch(std::uint8_t how, long type) {
        if (batch_) return;
        batch_ = new Batch(queue_, kSlots);
        batch_->owner = batch_;
        for (Slot& slot : batch_->slots) {
            slot.channel = channel_;
            slot.type = type;
            slot.operation = how & 1 ? Operation::Get : Operation::PutCallback;
            slot.state = SlotState::Submitted;
            ++batch_->outstanding;
        }
        done_ = {};
    }

    void reply(Input& input, std::size_t which) {
        const std::size_t i = which % kSlots;
        if (!batch_ || done_[i]) return;  // libca calls back once
        Slot& slot = batch_->slots[i];
        const bool get = slot.operation == Operation::Get;
        const Expected expected = call(input, &slot, slot.type, on_reply);
        FUZZ_REQUIRE(slot.state == SlotState::Done);
        done_[i] = true;
        FUZZ_REQUIRE(bool(slot.block) == (get && slot.block));
        if (!get) return;
        FUZZ_REQUIRE(slot.status == expected.status);
        if (expected.status == ECA_NORMAL) {
            FUZZ_REQUIRE(slot.block && expected.matches(api_, *slot.block));
        }
    }

    // Given up by Python, or ended by libca: all that libca still knows is called back.
    void end_batch(bool abandoned_first) {
        if (!batch_) return;
        Batch* batch = std::exchange(batch_, nullptr);
        std::vector<Slot*> open;
        for (std::size_t i = 0; i < kSlots; ++i) {
            if (!done_[i]) open.push_back(&batch->slots[i]);
        }
        if (abandoned_first) abandon(batch);
        for (Slot* slot : open) finish(slot, ECA_DISCONN, nullptr);
        if (!abandoned_first) abandon(batch);
    }

    void connection(Input& input, bool up) {
        native_type = static_cast<short>(input.u8() % 8);
        native_count = input.u8();
        connection_handler_args args{};
        args.chid = channel_->id;
        args.op = up ? CA_OP_CONN_UP : CA_OP_CONN_DOWN;
        on_connection(args);
        FUZZ_REQUIRE(channel_->connected == up);
        if (up) return;
        for (std::size_t i = 0; i < kMonitors; ++i) {
            if (!monitors_[i]->notify_disconnect) continue;
            expect(i, {STATUS_ONLY, 0, ECA_DISCONN, 0});
        }
    }

    void rights(std::uint8_t what) {
        access_rights_handler_args args{};
        args.chid = channel_->id;
        args.ar.read_access = what >> 4 & 1;
        args.ar.write_access = what >> 5 & 1;
        on_access_rights(args);
    }

    void exception(bool ours) {
        exception_handler_args args{};
        args.chid = ours ? channel_->id : nullptr;
        args.stat = ECA_INTERNAL;
        args.ctx = ours ? "context" : nullptr;
        on_exception(args);
        ++complaints_;
    }

    // What the event loop does: each ready owner once, and all that waits there.
    void drain() {
        std::vector<void*> owners;
        std::vector<Complaint> complaints;
        queue_->take(owners, complaints);
        FUZZ_REQUIRE(complaints.size() == std::exchange(complaints_, 0u));
        std::sort(owners.begin(), owners.end());
        FUZZ_REQUIRE(std::adjacent_find(owners.begin(), owners.end()) == owners.end());
        for (std::size_t i = 0; i < kMonitors; ++i) {
            if (!monitors_[i]) continue;
            // Whoever has something to deliver is among those that are ready.
            const bool ready =
                std::binary_search(owners.begin(), owners.end(), monitors_[i]);
            if (monitors_[i]->oldest) FUZZ_REQUIRE(ready);
            take_values(i);
        }
    }

    void take_values(std::size_t i) {
        Monitor& monitor = *monitors_[i];
        Block* first = std::exchange(monitor.oldest, nullptr);
        monitor.newest = nullptr;
        for (Block* block = first; block; block = block->next) {
            FUZZ_REQUIRE(!expected_[i].empty());
            FUZZ_REQUIRE(expected_[i].front().matches(api_, *block));
            expected_[i].pop_front();
        }
        FUZZ_REQUIRE(expected_[i].empty());
        free_blocks(first);
    }

    const CaApi& api_;
    Queue* queue_;
    aioca::Channel* channel_;
    std::array<Monitor*, kMonitors> monitors_;
    std::array<std::deque<Expected>, kMonitors> expected_;
    Batch* batch_ = nullptr;
    std::array<bool, kSlots> done_{};
    std::size_t complaints_ = 0;
    unsigned char serial_ = 0;
};

inline void run_target(std::span<const std::byte> bytes) {
    Input input(bytes);
    Client().run(input);
}

}  // namespace fuzz::events
