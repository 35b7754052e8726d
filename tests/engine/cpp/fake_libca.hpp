// A libca that does nothing but remember: for the tests of ext/client.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "client/callbacks.hpp"
#include "client/calls.hpp"
#include "client/process.hpp"

namespace fake {

// What libca was asked to do, in order.
struct Calls {
    void add(const char* what) {
        const std::lock_guard<std::mutex> guard(mutex);
        made.emplace_back(what);
    }
    std::vector<std::string> take() {
        const std::lock_guard<std::mutex> guard(mutex);
        return std::exchange(made, {});
    }
    std::mutex mutex;
    std::vector<std::string> made;
};

inline Calls calls;
inline std::atomic<int> status{ECA_NORMAL};  // what requests are answered with at once
inline std::atomic<int> refused_put{-1};     // the number of the put it refuses
inline std::array<unsigned short, 40> value_size;
inline std::array<unsigned short, 40> value_offset;

inline aioca::Channel* channel_of(chid id) {
    return reinterpret_cast<aioca::Channel*>(id);
}

inline void fill(aioca::CaApi& api) {
    value_size.fill(8);
    value_offset.fill(16);
    api.value_size = value_size.data();
    api.value_offset = value_offset.data();
    api.ca_create_channel = [](const char*, caCh*, void* user, capri, chid* id) {
        *id = static_cast<chid>(user);
        return ECA_NORMAL;
    };
    api.ca_replace_access_rights_event = [](chid, caArh*) { return ECA_NORMAL; };
    api.ca_puser = [](chid id) -> void* { return channel_of(id); };
    api.ca_name = [](chid) { return "name"; };
    api.ca_field_type = [](chid) -> short { return DBR_DOUBLE; };
    api.ca_element_count = [](chid) -> unsigned long { return 1; };
    api.ca_get_host_name = [](chid, char* to, unsigned) -> unsigned {
        to[0] = 'h';
        to[1] = 0;
        return 1;
    };
    api.ca_clear_channel = [](chid) {
        calls.add("clear channel");
        return ECA_NORMAL;
    };
    api.ca_clear_subscription = [](evid) {
        calls.add("clear subscription");
        return ECA_NORMAL;
    };
    api.ca_create_subscription = [](chtype, unsigned long, chid, long,
                                    caEventCallBackFunc*, void* user, evid* id) {
        *id = static_cast<evid>(user);
        return ECA_NORMAL;
    };
    api.ca_array_get_callback = [](chtype, unsigned long, chid, caEventCallBackFunc*,
                                   void*) {
        calls.add("get");
        return status.load();
    };
    api.ca_array_put = [](chtype, unsigned long, chid, const void*) {
        calls.add("put");
        return refused_put-- == 0 ? ECA_NOWTACCESS : status.load();
    };
}

inline aioca::Process& process() {
    static const bool made = [] {
        fill(aioca::process().api);
        return true;
    }();
    static_cast<void>(made);
    return aioca::process();
}

// A queue with one channel; both are given up at the end.
struct Client {
    Client() : queue(new aioca::Queue(process().api, process().nodes)) {
        status = ECA_NORMAL;
        refused_put = -1;
        calls.take();
        aioca::enlist(queue, nullptr);
        channel = new aioca::Channel(queue);
        channel->owner = channel;
        aioca::open_channel(channel, "name");
    }
    ~Client() {
        if (channel) aioca::close_channel(channel);
        aioca::unlist(queue);
        queue->close();
        queue->let_go();
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void connect(bool up = true) {
        connection_handler_args args{};
        args.chid = channel->id;
        args.op = up ? CA_OP_CONN_UP : CA_OP_CONN_DOWN;
        aioca::on_connection(args);
    }

    void grant(bool read, bool write) {
        access_rights_handler_args args{};
        args.chid = channel->id;
        args.ar.read_access = read;
        args.ar.write_access = write;
        aioca::on_access_rights(args);
    }

    aioca::Monitor* subscribe() {
        auto* monitor = new aioca::Monitor(channel);
        monitor->owner = monitor;
        aioca::subscribe(monitor, DBR_TIME_DOUBLE, 1, DBE_VALUE);
        return monitor;
    }

    // A get or a put of each slot, handed to libca.
    aioca::Batch* get(std::size_t size = 1) {
        return submit(size, aioca::Operation::Get);
    }
    aioca::Batch* put(std::size_t size) { return submit(size, aioca::Operation::Put); }

    aioca::Batch* submit(std::size_t size, aioca::Operation operation) {
        auto* batch = new aioca::Batch(queue, size);
        batch->owner = batch;
        std::vector<aioca::Slot*> slots;
        for (aioca::Slot& slot : batch->slots) {
            slot.channel = channel;
            slot.type = DBR_DOUBLE;
            slot.count = 1;
            slot.operation = operation;
            slots.push_back(&slot);
        }
        if (operation != aioca::Operation::Put) aioca::mark_submitted(batch, slots);
        aioca::submit(slots);
        return batch;
    }

    std::vector<void*> drain() {
        std::vector<void*> owners;
        std::vector<aioca::Complaint> complaints;
        queue->take(owners, complaints);
        return owners;
    }

    aioca::Queue* queue;
    aioca::Channel* channel = nullptr;
};

inline void update(aioca::Monitor* monitor, char first_byte = 0) {
    const std::array<char, 24> data{first_byte};
    event_handler_args args{};
    args.usr = monitor;
    args.type = DBR_TIME_DOUBLE;
    args.count = 1;
    args.dbr = data.data();
    args.status = ECA_NORMAL;
    aioca::on_update(args);
}

inline void reply(aioca::Slot& slot, int with = ECA_NORMAL) {
    static const std::array<char, 24> data{};
    event_handler_args args{};
    args.usr = &slot;
    args.chid = slot.channel->id;
    args.type = slot.type;
    args.count = 1;
    args.dbr = data.data();
    args.status = with;
    aioca::on_reply(args);
}

}  // namespace fake
