// The codec and snapshot paths, each repeated by one function of the name op_...
//
// micro.py runs this under callgrind, which counts the instructions of those functions:
// a number that does not depend on how busy the machine is.
#include <caProto.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "dbr/codec.hpp"
#include "proto/framer.hpp"
#include "proto/header.hpp"
#include "pv/pv.hpp"
#include "pv/pv_table.hpp"

namespace pcas {
namespace {

constexpr int kRepeat = 1000;   // as in micro.py
constexpr std::uint32_t kElements = 1000;

volatile std::uint64_t sink;   // keeps results from being optimised away

class NoPayload final : public PayloadPolicy {
  public:
    std::uint64_t allowed_payload(const Header&) const noexcept override { return 0; }
};

class NoQueue final : public PostQueue {
  public:
    void push(PvClientsPtr clients) override { sink = clients->pv().max_count(); }
    void push_all(std::vector<PvClientsPtr>& clients) override { clients.clear(); }
};

class Watchers final : public PvClients {
  public:
    explicit Watchers(Pv& pv) : PvClients(pv, std::make_shared<NoQueue>()) {}
};

Ref<Snapshot> make_snapshot(DbfType type, std::uint32_t count) {
    Ref<Metadata> metadata(new Metadata);
    metadata->units = "mA";
    metadata->precision = 3;
    metadata->states = {"off", "on", "fault"};
    Ref<Snapshot> snapshot = Snapshot::create(type, count);
    snapshot->metadata = metadata;
    return snapshot;
}

Ref<Snapshot> make_double(std::uint32_t count) {
    Ref<Snapshot> snapshot = make_snapshot(DbfType::Double, count);
    const double value = 3.25;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::memcpy(snapshot->mutable_data() + 8 * i, &value, sizeof value);
    }
    return snapshot;
}

DbrType dbr(DbrFamily family, DbfType type) {
    return DbrType{static_cast<std::uint16_t>(static_cast<int>(family) * kDbfTypes +
                                              static_cast<int>(type))};
}

// What the measured functions work on, made before they run.
struct Inputs {
    Ref<Snapshot> scalar = make_double(1);
    Ref<Snapshot> array = make_double(kElements);
    Ref<Snapshot> shorts = make_snapshot(DbfType::Short, kElements);
    Ref<Snapshot> state = make_snapshot(DbfType::Enum, 1);
    std::vector<std::byte> out = std::vector<std::byte>(1 << 16);
    std::vector<std::byte> reads = std::vector<std::byte>(kRepeat * kHeaderSize);
    std::vector<std::byte> text = std::vector<std::byte>(kStringSize);
    PvPtr pv = Pv::create("BENCH:0", DbfType::Double, 1, scalar->metadata);
    PvPtr watched = Pv::create("BENCH:1", DbfType::Double, 1, scalar->metadata);
    PvClientsPtr watchers{new Watchers(*watched)};
    PvTable table;
    std::vector<std::string> names;

    Inputs() {
        Header header;
        header.command = CA_PROTO_READ_NOTIFY;
        header.type = raw(plain_dbr(DbfType::Double));
        header.count = 1;
        for (int i = 0; i < kRepeat; ++i) {
            write_header(reads.data() + i * kHeaderSize, header);
        }
        std::memcpy(text.data(), "3.25", 4);
        for (int i = 0; i < 10000; ++i) {
            names.push_back("BENCH:NAME:" + std::to_string(i));
            table.add(Pv::create(names.back(), DbfType::Double, 1, scalar->metadata));
        }
        watched->attach(watchers);
        watchers->join(kAllEvents);
    }
    std::vector<Event> events;
};

Inputs& inputs() {
    static Inputs all;
    return all;
}

void encode_repeatedly(const Snapshot& snapshot, DbrType type, std::uint32_t count) {
    const std::span<std::byte> out =
        std::span(inputs().out)
            .first(static_cast<std::size_t>(padded(dbr_size(type, count))));
    for (int i = 0; i < kRepeat; ++i) sink = encode(snapshot, type, count, out);
}

void decode_repeatedly(DbfType type, std::uint32_t count,
                       std::span<const std::byte> payload) {
    const Inputs& in = inputs();
    const DecodeTarget target{DbfType::Double, count, in.scalar->metadata.get()};
    for (int i = 0; i < kRepeat; ++i) {
        sink = decode(plain_dbr(type), count, payload, target).status;
    }
}

}  // namespace
}  // namespace pcas

using namespace pcas;

#define OPERATION extern "C" [[gnu::noinline]] void

OPERATION op_write_header() {
    Header header;
    header.command = CA_PROTO_READ_NOTIFY;
    header.payload_size = 8;
    header.count = 1;
    for (int i = 0; i < kRepeat; ++i) {
        header.p2 = static_cast<std::uint32_t>(i);
        sink = write_header(inputs().out.data(), header);
    }
}

OPERATION op_frame_request() {
    NoPayload policy;
    Framer framer(policy, 1 << 20);
    framer.begin(inputs().reads);
    Message message;
    while (framer.next(message)) sink = message.header.p2;
    framer.end();
}

OPERATION op_encode_double() {
    encode_repeatedly(*inputs().scalar, plain_dbr(DbfType::Double), 1);
}

OPERATION op_encode_time_double() {
    encode_repeatedly(*inputs().scalar, dbr(DbrFamily::Time, DbfType::Double), 1);
}

OPERATION op_encode_ctrl_double() {
    encode_repeatedly(*inputs().scalar, dbr(DbrFamily::Ctrl, DbfType::Double), 1);
}

OPERATION op_encode_ctrl_enum() {
    encode_repeatedly(*inputs().state, dbr(DbrFamily::Ctrl, DbfType::Enum), 1);
}

OPERATION op_encode_double_as_string() {
    encode_repeatedly(*inputs().scalar, plain_dbr(DbfType::String), 1);
}

OPERATION op_encode_1000_doubles() {
    encode_repeatedly(*inputs().array, plain_dbr(DbfType::Double), kElements);
}

OPERATION op_encode_1000_shorts() {
    encode_repeatedly(*inputs().shorts, plain_dbr(DbfType::Short), kElements);
}

OPERATION op_encode_1000_doubles_as_long() {
    encode_repeatedly(*inputs().array, plain_dbr(DbfType::Long), kElements);
}

OPERATION op_decode_double() {
    decode_repeatedly(DbfType::Double, 1, std::span(inputs().out).first(8));
}

OPERATION op_decode_string() {
    decode_repeatedly(DbfType::String, 1, inputs().text);
}

OPERATION op_decode_1000_doubles() {
    decode_repeatedly(DbfType::Double, kElements,
                      std::span(inputs().out).first(8 * kElements));
}

OPERATION op_make_snapshot() {
    for (int i = 0; i < kRepeat; ++i) {
        sink = Snapshot::create(DbfType::Double, 1)->count();
    }
}

OPERATION op_read_snapshot() {
    for (int i = 0; i < kRepeat; ++i) sink = inputs().pv->snapshot()->count();
}

OPERATION op_post_unwatched() {
    Inputs& in = inputs();
    for (int i = 0; i < kRepeat; ++i) in.pv->post(in.scalar, kValueEvent);
}

OPERATION op_post_and_take() {
    Inputs& in = inputs();
    for (int i = 0; i < kRepeat; ++i) {
        in.watched->post(in.scalar, kValueEvent);
        in.watchers->take_events(in.events);
        sink = in.events.size();
    }
}

OPERATION op_find_name() {
    Inputs& in = inputs();
    for (std::size_t i = 0; i < kRepeat; ++i) {
        sink = in.table.find(in.names[i * 7 % in.names.size()])->max_count();
    }
}

int main() {
    inputs();
    op_write_header();
    op_frame_request();
    op_encode_double();
    op_encode_time_double();
    op_encode_ctrl_double();
    op_encode_ctrl_enum();
    op_encode_double_as_string();
    op_encode_1000_doubles();
    op_encode_1000_shorts();
    op_encode_1000_doubles_as_long();
    op_decode_double();
    op_decode_string();
    op_decode_1000_doubles();
    op_make_snapshot();
    op_read_snapshot();
    op_post_unwatched();
    op_post_and_take();
    op_find_name();
    return 0;
}
