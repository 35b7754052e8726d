// One TCP virtual circuit: its bytes in and out, its channels, and its requests that
// wait for Python. Everything here belongs to the loop thread.
//
// Reading order: on_io -> execute_input -> dispatch (dispatch.cpp) -> handle_* (one
// request_*.cpp for each family) -> reply / send_data -> flush.
//
// Order: a circuit's requests are executed as they come. Writes go to Python; a read or
// a subscription that comes behind them waits until the driver has had them, and writes
// behind that wait with it (`in_flight_`).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "base/instances.hpp"
#include "base/intrusive_list.hpp"
#include "net/poller.hpp"
#include "net/time_budget.hpp"
#include "net/unique_fd.hpp"
#include "proto/framer.hpp"
#include "pv/client_row.hpp"
#include "pv/clock.hpp"
#include "server/account.hpp"
#include "server/channel.hpp"
#include "server/hosts.hpp"
#include "server/in_flight.hpp"
#include "server/output.hpp"
#include "server/services.hpp"

namespace pcas {

class Circuits;
struct WatchTag;  // PeerWatch's list

class Circuit final : public IoHandler,
                      private PayloadPolicy,
                      public ListNode<Circuit, FlushTag>,
                      public ListNode<Circuit, WorkTag>,
                      public ListNode<Circuit, StarvedTag>,
                      public ListNode<Circuit, DiscardTag>,
                      public ListNode<Circuit, WatchTag>,
                      public CountedInstance<Counted::Circuit> {
  public:
    // `account` outlives it.
    Circuit(Services& services, Circuits& circuits, std::uint64_t id,
            UniqueSocket socket, const sockaddr_in& peer, Account& account);
    ~Circuit();

    std::uint64_t id() const noexcept { return id_; }
    const sockaddr_in& peer() const noexcept { return peer_; }
    const ClientPtr& client() const noexcept { return identity_; }
    SOCKET socket() const noexcept { return socket_.get(); }
    Interest interest() const noexcept { return interest_; }
    bool closing() const noexcept { return closing_; }
    // What it holds for its client: unsent, waiting, and at Python.
    std::size_t held_bytes() const noexcept {
        // Values that wait are shared, and one of each subscription is the PV's.
        return output_.held() + in_flight_.promised_bytes() + framer_.kept() +
               std::min(waiting_bytes_, update_high_water_) + in_flight_.held_bytes();
    }

    // ---- called by the loop; what is thrown below ends this circuit and no other ----
    void start() noexcept;  // greets the client
    void on_io(bool readable, bool writable) override;
    // Sends what it can, then goes on with what waited for the room.
    void flush() noexcept;
    // Goes on with what it had no time for.
    void go_on() noexcept;
    // A request of this circuit was completed, or accepted for a later completion.
    void on_completion(CaRequest& request, bool completed) noexcept;
    // The channel's PV is gone.
    void disconnect_channel(Channel& channel) noexcept;
    // What access security grants the channel may have changed.
    void change_rights(std::uint32_t sid) noexcept;
    void change_all_rights() noexcept;
    void on_linger_over() noexcept { close_now(); }
    void on_peer_gone() noexcept;
    // The client has shut down its side and waits for answers: were any sent meanwhile?
    void on_answers_due(std::uint64_t sent_before) noexcept;
    // Its channels and subscriptions go, as many as there is time for; true when none
    // is left. The circuit is closed.
    bool take_apart(Pace& pace);
    // For whoever looks inside.
    ClientRow row() const;
    ChannelRows channel_rows(std::size_t offset, std::size_t limit);
    // What Python has not completed.
    LeftBehind left_behind() const noexcept { return in_flight_.left_behind(); }

    // ---- called by subscriptions ----
    // What the subscription begins with: it gets no events that are older.
    PvClients::Joined join(Subscription& subscription);
    bool takes_updates() const noexcept {
        return events_on_ && !closing_ && !end_of_input_ &&
               output_.bytes() < update_high_water_ &&
               !(account_.full() && output_.held() > kOwnShare);
    }
    bool events_on() const noexcept { return events_on_; }
    // How often events were turned off: what waits from before is one value only.
    std::uint64_t times_events_off() const noexcept { return times_events_off_; }
    // A subscription may keep one value and no more: events are off, or too much waits.
    bool keeps_one_value() const noexcept;
    void count_waiting(std::size_t bytes) noexcept {
        waiting_bytes_ += bytes;
        settle_account();
        wait_for_others();
    }
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
    Services& services() noexcept { return services_; }

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
    bool has_work() const noexcept { return ListNode<Circuit, WorkTag>::linked(); }
    void postpone();
    bool output_full() const noexcept;
    void resume();
    void take_completion(const CaRequest& request, bool completed);
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
    void disconnect_now(Channel& channel);
    void disconnect_left();
    bool something_to_answer() const noexcept;

    // reply.cpp
    void reply(const Header& header);  // a message without payload
    void send_error(const Header& request, std::uint32_t cid, EcaStatus status,
                    std::string_view text);
    // Data of `snapshot` as (type, count); on failure zeros with the status.
    void send_data(const Channel& of, Header header, const SnapshotPtr& snapshot);
    void send_failure(Header header, EcaStatus status);
    bool fits_response(DbrType type, std::uint32_t count) const noexcept;
    bool may_ask_for(const Channel& channel, const Header& header) const noexcept;
    void send_channel(Channel& channel);
    void send_rights(Channel& channel);
    void mark_output(bool answer);

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
    void note_miss(std::string_view name) noexcept;
    void remove_channel(Channel& channel);
    void on_search_completed(const CaRequest& request);
    void on_attach_completed(const CaRequest& request);

    // request_read.cpp
    void handle_read(const Message& message);
    void handle_read_notify(const Message& message);
    void read_in_order(const Header& header);
    void execute_read(const Header& header);  // either of the two
    void answer_read(const Channel& channel, const Header& header,
                     const SnapshotPtr& snapshot);
    EcaStatus too_large_status() const noexcept;
    void request_read(Channel& channel, const Header& header);
    void run_waiting();
    void refuse_read(const Header& header, const Channel* channel, EcaStatus status,
                     std::string_view text);
    void on_read_completed(const CaRequest& request);

    // request_write.cpp
    void handle_write(const Message& message);
    void handle_write_notify(const Message& message);
    void execute_write(const Message& message, bool notify);
    void refuse_write(const Message& message, const Channel* channel, EcaStatus status,
                      std::string_view text);
    void finish_write(std::uint16_t type, std::uint32_t count, std::uint32_t ioid,
                      EcaStatus status);
    void on_write_progress(const CaRequest& request, bool completed);
    void queue_write(const CaRequestPtr& request);
    bool has_its_turn(const CaRequestPtr& request);
    void withdraw_puts(Channel& channel);
    void answer_write(const CaRequest& request);

    // request_event.cpp
    void handle_event_add(const Message& message);
    void handle_event_cancel(const Message& message);
    void subscribe(const Header& header, EventMask mask);
    void add_subscription(Channel& channel, const Header& header, EventMask mask);
    void cancel_subscription(Channel& channel, std::uint32_t subid);
    void remove_subscription(Channel& channel, Channel::Subscriptions::iterator which);
    void clear_subscriptions(Channel& channel);
    void leave_pv(Channel& channel);
    void on_first_update(const CaRequest& request);
    void tell_interest(const Channel& channel) noexcept;

    // rights.cpp
    void take_rights(Channel& channel);
    void send_rights_news();

    CaRequestPtr make_request(RequestKind kind);
    void queue_request(const CaRequestPtr& request);

    // held.cpp
    void settle_account() noexcept;
    void wait_for_others() noexcept;
    // Too much is held, for its host or in all, for it to be served: it waits, but for
    // what is small while it holds little itself. Only that counts which ends without
    // its being served: what it has still to send, or Python to answer.
    bool must_wait() const noexcept {
        return account_.full() &&
               output_.held() + in_flight_.promised_bytes() + in_flight_.open_bytes() >
                   kOwnShare;
    }
    bool must_wait(const Header& header) const noexcept {
        return account_.full() &&
               (output_.held() + in_flight_.promised_bytes() > kOwnShare ||
                size_of_answer(header) > kOwnShare);
    }
    std::size_t size_of_answer(const Header& header) const noexcept;
    bool room_for_put(std::size_t bytes) const noexcept;

    // What every circuit may hold, whatever others do.
    static constexpr std::size_t kOwnShare = 16384;

    Services& services_;
    Circuits& circuits_;
    Shared& shared_;
    const std::uint64_t id_;
    Account& account_;
    std::size_t accounted_ = 0;  // its share of that
    // Updates wait earlier than answers do: the newest value is worth more than its
    // predecessors, and they are held once here instead of once for each circuit.
    const std::size_t update_high_water_;
    UniqueSocket socket_;
    const sockaddr_in peer_;
    ClientPtr identity_;
    const TimeStamp since_ = now();

    // the client's say
    std::uint16_t minor_ = 0;  // 0: not known yet
    bool events_on_ = true;
    std::uint64_t times_events_off_ = 0;

    // bytes
    Framer framer_;
    Output output_;
    std::uint64_t sent_bytes_ = 0, received_bytes_ = 0;
    bool answers_ = false;  // among what it has marked to be sent
    bool makes_ = false;    // text, when it goes on
    bool bulk_ = false;     // it was sent much at a time
    Interest interest_{true, false};
    bool executing_ = false;     // in execute_input: no second one below it
    bool end_of_input_ = false;  // the client has shut down its side
    bool closing_ = false;       // nothing more is executed or sent
    bool lingering_ = false;     // closing, waits for the client to close

    ChannelTable channels_;
    std::size_t subscriptions_ = 0;
    IntrusiveList<Subscription, WaitingTag> waiting_;
    std::size_t waiting_bytes_ = 0;  // of the values that they hold
    // SIDs of the channels that have news, and how many of these are told.
    std::vector<std::uint32_t> rights_news_;
    std::size_t rights_told_ = 0;

    // requests at Python
    InFlight in_flight_;
    std::uint64_t last_first_read_ = 0;  // number of the newest first update's read
    // Channels whose PV is gone, told so when the driver has had that write.
    struct Leaving {
        std::uint32_t sid;
        std::uint64_t after;
    };
    std::deque<Leaving> leaving_;
};

}  // namespace pcas
