// One TCP virtual circuit: its bytes in and out, its channels, and its requests that
// wait for Python. Everything here belongs to the loop thread.
//
// Reading order: on_io -> execute_input -> dispatch (dispatch.cpp) -> handle_* (one
// request_*.cpp for each family) -> reply / send_data -> flush.
//
// Order: a circuit's requests are executed as they come. Writes go to Python; a read
// that comes behind them waits until the driver has had them, and writes behind that
// read wait with it (`deferred_`).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <span>
#include <string>

#include "base/instances.hpp"
#include "base/intrusive_list.hpp"
#include "base/unique_fd.hpp"
#include "proto/framer.hpp"
#include "pv/request.hpp"
#include "server/channel.hpp"
#include "server/output.hpp"
#include "server/poller.hpp"
#include "server/shared.hpp"

namespace pcas {

class Loop;
struct FlushTag;    // the loop's list of circuits with output to send this turn
struct DiscardTag;  // the loop's list of circuits to remove at the end of this turn

class Circuit final : public IoHandler,
                      private PayloadPolicy,
                      public ListNode<Circuit, FlushTag>,
                      public ListNode<Circuit, DiscardTag>,
                      public CountedInstance<Counted::Circuit> {
  public:
    Circuit(Loop& loop, std::uint64_t id, UniqueSocket socket, const sockaddr_in& peer);
    ~Circuit();

    std::uint64_t id() const noexcept { return id_; }
    const sockaddr_in& peer() const noexcept { return peer_; }
    const ClientPtr& client() const noexcept { return identity_; }
    SOCKET socket() const noexcept { return socket_.get(); }
    Interest interest() const noexcept { return interest_; }
    bool closing() const noexcept { return closing_; }
    // What it holds for its client: unsent, waiting, and at Python. For tests.
    std::size_t held_bytes() const noexcept {
        return output_.bytes() + promised_bytes_ + framer_.kept() + waiting_bytes_ +
               open_bytes_ + deferred_bytes_;
    }

    // ---- called by the loop; what is thrown below ends this circuit and no other ----
    void start() noexcept;  // greets the client
    void on_io(bool readable, bool writable) override;
    // Sends what it can, then goes on with what waited for the room.
    void flush() noexcept;
    // A request of this circuit was completed, or accepted for a later completion.
    void on_completion(Request& request, bool completed) noexcept;
    // The channel's PV is gone.
    void disconnect_channel(Channel& channel) noexcept;
    // What access security grants the channel may have changed.
    void change_rights(std::uint32_t sid) noexcept;
    void change_all_rights() noexcept;
    void on_linger_over() noexcept { close_now(); }
    // The client has shut down its side and waits for answers: were any sent meanwhile?
    void on_answers_due(std::uint64_t sent_before) noexcept;

    // ---- called by subscriptions ----
    bool takes_updates() const noexcept {
        return events_on_ && !closing_ && !end_of_input_ &&
               output_.bytes() < update_high_water_;
    }
    bool events_on() const noexcept { return events_on_; }
    // A subscription may keep one value and no more: events are off, or too much waits.
    bool keeps_one_value() const noexcept;
    void count_waiting(std::size_t bytes) noexcept { waiting_bytes_ += bytes; }
    void uncount_waiting(std::size_t bytes) noexcept { waiting_bytes_ -= bytes; }
    void send_update(const Subscription& subscription, const SnapshotPtr& snapshot);
    // The message as UpdateForm makes it, with this subscription's id.
    void send_update(const Subscription& subscription,
                     std::span<const std::byte> message);
    void add_waiting(Subscription& subscription) { waiting_.push_back(subscription); }
    // Runs `work`; an exception (no memory, most likely) closes the circuit.
    template <class Work>
    void guarded(Work&& work) noexcept {
        try {
            work();
        } catch (const std::exception& error) {
            on_exception(error);
        }
    }
    Loop& loop() noexcept { return loop_; }

  private:
    // circuit.cpp
    std::uint64_t allowed_payload(const Header& header) const noexcept override;
    void on_exception(const std::exception& error) noexcept;
    void read_input();
    void execute_input();
    void send_output();
    Output::Sent send_now() noexcept;
    void count_end(Counters::Counter& reason) noexcept;
    bool stalled() const noexcept;
    bool output_full() const noexcept;
    void resume();
    void take_completion(Request& request, bool completed);
    void send_waiting_updates();
    bool send_waiting_update();  // false: none waits, or none may go
    void update_interest();
    void on_fault();
    void on_end_of_input();
    void wait_for_last_answers();
    void fail(const std::string& why);  // protocol error: log, then close_gracefully
    void close_gracefully();            // send what is there, then close
    void close_now() noexcept;
    void waiting_updates_dropped() noexcept;
    bool something_to_answer() const noexcept;

    // reply.cpp
    void reply(const Header& header);  // a message without payload
    void send_error(const Header& request, std::uint32_t cid, EcaStatus status,
                    std::string_view text);
    // Data of `snapshot` as (type, count); on failure zeros with the status.
    void send_data(Header header, const SnapshotPtr& snapshot);
    void send_failure(Header header, EcaStatus status);
    bool fits_response(DbrType type, std::uint32_t count) const noexcept;
    bool may_ask_for(const Channel& channel, const Header& header) const noexcept;
    void send_channel(Channel& channel);
    void send_rights(const Channel& channel);
    void mark_output();

    // dispatch.cpp
    void dispatch(const Message& message);
    using Handler = void (Circuit::*)(const Message&);
    static Handler handler_of(std::uint16_t command) noexcept;

    // request_session.cpp
    void handle_version(const Message& message);
    void handle_client_name(const Message& message);
    void handle_host_name(const Message& message);
    void handle_echo(const Message& message);
    void handle_read_sync(const Message& message);
    void handle_events_off(const Message& message);
    void handle_events_on(const Message& message);
    void handle_invalid(const Message& message);
    bool take_name(const Message& message, std::string& name);

    // request_channel.cpp
    void handle_search(const Message& message);
    void handle_create_chan(const Message& message);
    void handle_clear_channel(const Message& message);
    bool room_for_channel() const noexcept;
    void create_channel(std::uint32_t cid, PvPtr pv);
    void refuse_channel(std::uint32_t cid);
    void answer_search(const Header& request, bool found);
    void remove_channel(Channel& channel);
    void on_search_completed(const Request& request);
    void on_attach_completed(const Request& request);

    // request_read.cpp
    void handle_read(const Message& message);
    void handle_read_notify(const Message& message);
    void read_in_order(const Header& header);
    void execute_read(const Header& header);  // either of the two
    void answer_read(const Channel& channel, const Header& header,
                     const SnapshotPtr& snapshot);
    EcaStatus too_large_status() const noexcept;
    void request_read(Channel& channel, const Header& header);
    void run_deferred();
    void refuse_read(const Header& header, const Channel* channel, EcaStatus status,
                     std::string_view text);
    void on_read_completed(const Request& request);

    // request_write.cpp
    void handle_write(const Message& message);
    void handle_write_notify(const Message& message);
    void execute_write(const Message& message, bool notify);
    void refuse_write(const Header& header, const Channel* channel, EcaStatus status,
                      std::string_view text);
    void finish_write(std::uint16_t type, std::uint32_t count, std::uint32_t ioid,
                      EcaStatus status);
    void on_write_progress(Request& request, bool completed);
    void queue_write(RequestPtr request);
    void answer_write(const Request& request);

    // request_event.cpp
    void handle_event_add(const Message& message);
    void handle_event_cancel(const Message& message);
    void add_subscription(Channel& channel, const Header& header, EventMask mask);
    SnapshotPtr deliver_earlier(Pv& pv);
    void cancel_subscription(Channel& channel, std::uint32_t subid);
    void clear_subscriptions(Channel& channel);
    void leave_pv(Channel& channel);
    void on_first_update(const Request& request);
    void request_interest(Channel& channel) noexcept;

    RequestPtr make_request(RequestKind kind);
    void queue_request(RequestPtr request);
    static std::size_t promised_bytes(const Request& request) noexcept;

    Loop& loop_;
    Shared& shared_;
    const std::uint64_t id_;
    // Updates wait earlier than answers do: the newest value is worth more than its
    // predecessors, and they are held once here instead of once for each circuit.
    const std::size_t update_high_water_;
    UniqueSocket socket_;
    const sockaddr_in peer_;
    ClientPtr identity_;

    // the client's say
    std::uint16_t minor_ = 0;  // 0: not known yet
    bool events_on_ = true;

    // bytes
    Framer framer_;
    Output output_;
    std::uint64_t sent_bytes_ = 0;
    Interest interest_{true, false};
    bool executing_ = false;     // in execute_input: no second one below it
    bool end_of_input_ = false;  // the client has shut down its side
    bool closing_ = false;       // nothing more is executed or sent
    bool lingering_ = false;     // closing, waits for the client to close

    ChannelTable channels_;
    std::size_t subscriptions_ = 0;
    IntrusiveList<Subscription, WaitingTag> waiting_;
    std::size_t waiting_bytes_ = 0;  // of the values that they hold

    // requests at Python
    std::uint64_t last_write_ = 0;        // sequence of the newest write
    std::uint64_t dispatched_write_ = 0;  // of the newest one that the driver has had
    std::uint64_t last_first_read_ = 0;   // number of the newest first update's read
    std::size_t open_requests_ = 0;       // not dispatched
    std::size_t open_bytes_ = 0;          // of their values
    std::size_t promised_bytes_ = 0;      // of the answers to those that are reads
    std::size_t deferred_puts_ = 0;       // dispatched, not completed
    std::size_t deferred_bytes_ = 0;      // of their values
    // What came behind a read that waits for writes to reach the driver, in order.
    struct Deferred {
        Header header;
        RequestPtr write;  // null: a read
    };
    std::deque<Deferred> deferred_;
};

}  // namespace pcas
