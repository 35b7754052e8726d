#include "server/loop.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

namespace pcas {
namespace {

constexpr std::size_t kScratch = 64 * 1024;
constexpr std::chrono::seconds kCacheSweep{1};

std::vector<in_addr> local_addresses(const Config& config, Log& log,
                                     std::vector<in_addr>& multicast) {
    std::vector<in_addr> out;
    for (const std::string& text : config.interfaces) {
        sockaddr_in address;
        if (!resolve(text, 0, address)) {
            log.add(LogLevel::Warning, "config",
                    "interface \"" + text + "\" is unknown");
        } else if (is_multicast(address.sin_addr)) {
            multicast.push_back(address.sin_addr);
        } else {
            out.push_back(address.sin_addr);
        }
    }
    if (out.empty()) out.push_back(in_addr{});  // 0.0.0.0
    return out;
}

// Gives the lock up for its own life, however that ends.
class Unlocked {
  public:
    explicit Unlocked(std::unique_lock<std::mutex>& lock) : lock_(lock) {
        lock_.unlock();
    }
    ~Unlocked() { lock_.lock(); }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

  private:
    std::unique_lock<std::mutex>& lock_;
};

}  // namespace

// Any thread pushes PVs that have events; the loop takes them all at once.
class Loop::Posts final : public PostQueue {
  public:
    explicit Posts(std::shared_ptr<WakeGate> gate) : gate_(std::move(gate)) {}
    void push(PvPtr pv) override {
        {
            std::lock_guard lock(mutex_);
            pvs_.push_back(std::move(pv));
        }
        gate_->signal();
    }
    void push_all(std::vector<PvPtr>& pvs) override {
        {
            std::lock_guard lock(mutex_);
            if (pvs_.empty()) {
                pvs_.swap(pvs);
            } else {
                pvs_.reserve(pvs_.size() + pvs.size());
                std::move(pvs.begin(), pvs.end(), std::back_inserter(pvs_));
            }
        }
        pvs.clear();
        gate_->note();
        gate_->flush();
    }
    void take(std::vector<PvPtr>& into) {
        into.clear();
        std::lock_guard lock(mutex_);
        pvs_.swap(into);
    }

  private:
    const std::shared_ptr<WakeGate> gate_;
    std::mutex mutex_;  // leaf; guards pvs_
    std::vector<PvPtr> pvs_;
};

// Any thread, with asLib's lock, pushes channels whose rights may have changed.
class Loop::RightsChanges final : public RightsQueue {
  public:
    explicit RightsChanges(std::shared_ptr<WakeGate> gate) : gate_(std::move(gate)) {}
    void push(Entry entry) noexcept override {
        {
            std::lock_guard lock(mutex_);
            try {
                entries_.push_back(entry);
            } catch (const std::bad_alloc&) {
                all_ = true;
            }
        }
        gate_->signal();
    }
    // True if any channel may be meant, not only those in `into`.
    bool take(std::vector<Entry>& into) {
        std::lock_guard lock(mutex_);
        into.swap(entries_);
        return std::exchange(all_, false);
    }

  private:
    const std::shared_ptr<WakeGate> gate_;
    std::mutex mutex_;  // leaf; guards all below
    std::vector<Entry> entries_;
    bool all_ = false;  // there was no memory for an entry
};

Loop::Loop(Shared& shared)
    : shared_(shared),
      poller_(Poller::create()),
      waker_(std::make_shared<Waker>()),
      gate_(std::make_shared<WakeGate>([waker = waker_] { waker->wake(); })),
      scratch_(kScratch),
      posts_(std::make_shared<Posts>(gate_)),
      rights_changes_(std::make_unique<RightsChanges>(gate_)) {
    poller_->add(waker_->fd(), *waker_, {true, false});
}

Loop::~Loop() { close_all(); }

void Loop::bind() {
    const Config& config = shared_.config;
    std::vector<in_addr> multicast;
    const std::vector<in_addr> addresses =
        local_addresses(config, shared_.log, multicast);
    searches_ = std::make_unique<SearchService>(*this);
    searches_->bind(addresses, multicast, config.udp_port);
    shared_.udp_port = searches_->port();
    const std::uint16_t wanted = config.tcp_port ? config.tcp_port : searches_->port();
    std::uint16_t port = 0;
    for (UniqueSocket& socket : listen_on_all(addresses, wanted, port)) {
        listeners_.push_back(std::make_unique<Listener>(*this, std::move(socket)));
    }
    if (config.tcp_port && port != wanted) {
        shared_.log.add(LogLevel::Warning, "config",
                        "TCP port " + std::to_string(wanted) +
                            " is in use; serving on " + std::to_string(port));
    }
    shared_.tcp_port = port;
    beacon_ = std::make_unique<Beacon>(*this);
}

bool Loop::in_loop() const noexcept {
    return thread_ == std::thread::id() || thread_ == std::this_thread::get_id();
}

std::shared_ptr<PostQueue> Loop::post_queue() noexcept { return posts_; }
RightsQueue& Loop::rights_queue() noexcept { return *rights_changes_; }

void Loop::stop() noexcept {
    stopping_ = true;
    waker_->wake();
}

void Loop::call(std::function<void()> command) {
    {
        std::lock_guard lock(command_mutex_);
        commands_.push_back(std::move(command));
    }
    waker_->wake();
}

void Loop::run() noexcept {
    std::unique_lock turn_lock(turn_mutex_);
    thread_ = std::this_thread::get_id();
    open();
    while (!stopping_) {
        try {
            turn();
            const auto sleep = sleep_time();
            const Unlocked sleeping(turn_lock);
            poller_->wait(sleep);
        } catch (const std::exception& error) {
            on_exception(error);
        }
    }
    shared_.completions->close();
    close_all();
    thread_ = {};
}

void Loop::open() {
    shared_.completions->open(gate_);
    if (beacon_) beacon_->start();
}

// A turn that was broken off is taken up by the next one. The pause keeps a failure
// that stays (of the poller, say) from burning a processor.
void Loop::on_exception(const std::exception& error) noexcept {
    shared_.log.add_caught("loop", "network loop", error);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Loop::turn() {
    if (searches_) searches_->new_turn();
    gate_->taken();
    // First of all: no request that came after new rules is judged by the old ones.
    take_rights_changes();
    poller_->deliver();
    timers_.run_due();
    run_commands();
    take_completions();
    take_posts();
    flush_output();
    remove_discarded();
    if (!cache_sweep_planned_ && !encodings_.empty()) {
        cache_sweep_planned_ = true;
        timers_.after(kCacheSweep, [this] {
            encodings_.drop_stale();
            cache_sweep_planned_ = false;
        });
    }
}

std::chrono::nanoseconds Loop::sleep_time() noexcept {
    if (!with_output_.empty()) return std::chrono::nanoseconds(0);
    if (std::exchange(requests_queued_, false)) gate_->expect();
    const auto until = std::min(timers_.next(), gate_->sleep_until());
    if (until == Timers::Clock::time_point::max()) return std::chrono::nanoseconds(-1);
    return std::max(std::chrono::nanoseconds(0),
                    std::chrono::nanoseconds(until - Timers::Clock::now()));
}

void Loop::run_commands() {
    std::vector<std::function<void()>> commands;
    {
        std::lock_guard lock(command_mutex_);
        commands.swap(commands_);
    }
    for (const auto& command : commands) {
        try {
            command();
        } catch (const std::exception& error) {
            shared_.log.add_caught("loop", "command to the network loop", error);
        }
    }
}

void Loop::take_completions() {
    for (const CompletionQueue::Entry& entry : shared_.completions->take()) {
        Request& request = *entry.request;
        if (request.circuit == 0) {
            searches_->on_completion(request);
        } else if (Circuit* circuit = find_circuit(request.circuit)) {
            circuit->on_completion(request, entry.completed);
        }
    }
}

void Loop::take_posts() {
    posts_->take(posted_);
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = 0; i < posted_.size(); ++i) {
        if (i + kAhead < posted_.size()) posted_[i + kAhead]->prefetch();
        Pv& pv = *posted_[i];
        pv.take_events(events_);
        for (const Event& event : events_) deliver(pv, event);
    }
    events_.clear();
    posted_.clear();
}

void Loop::take_rights_changes() {
    std::vector<RightsQueue::Entry> changed;
    if (rights_changes_->take(changed)) {
        for (const auto& [id, circuit] : circuits_) circuit->change_all_rights();
    }
    for (const RightsQueue::Entry& entry : changed) {
        if (Circuit* circuit = find_circuit(entry.circuit)) {
            circuit->change_rights(entry.sid);
        }
    }
}

// What a flush makes room for goes out in the next turn, so that no circuit keeps the
// loop for itself.
void Loop::flush_output() {
    IntrusiveList<Circuit, FlushTag> now;
    now.splice(with_output_);
    while (!now.empty()) {
        Circuit& circuit = now.front();
        circuit.ListNode<Circuit, FlushTag>::leave();
        circuit.flush();
    }
}

void Loop::remove_discarded() {
    while (!discarded_.empty()) {
        const Circuit& gone = discarded_.front();
        const auto host = circuits_by_host_.find(gone.peer().sin_addr.s_addr);
        if (host != circuits_by_host_.end() && --host->second == 0) {
            circuits_by_host_.erase(host);
        }
        circuits_.erase(gone.id());  // leaves the list
        Counters::subtract(shared_.counters.circuits);
    }
}

void Loop::adopt(UniqueSocket socket, const sockaddr_in& peer) {
    const Config& config = shared_.config;
    const auto host = circuits_by_host_.find(peer.sin_addr.s_addr);
    if (circuits_.size() >= config.max_circuits ||
        (host == circuits_by_host_.end() ? 0 : host->second) >=
            config.max_circuits_per_host) {
        Counters::add(shared_.counters.circuits_refused);
        shared_.log.add(LogLevel::Warning, dotted(peer.sin_addr),
                        "circuit from " + dotted(peer) + " refused: too many circuits");
        return;
    }
    set_nonblocking(socket.get());
    tune_circuit(socket.get());
    const SOCKET fd = socket.get();
    const std::uint64_t id = ++shared_.last_circuit;
    auto circuit = std::make_unique<Circuit>(*this, id, std::move(socket), peer);
    poller_->add(fd, *circuit, circuit->interest());
    Circuit& added = *circuits_.emplace(id, std::move(circuit)).first->second;
    ++circuits_by_host_[peer.sin_addr.s_addr];
    Counters::add(shared_.counters.circuits);
    Counters::add(shared_.counters.circuits_accepted);
    if (circuits_.size() > shared_.counters.circuits_peak)
        shared_.counters.circuits_peak = circuits_.size();
    added.start();
}

Circuit* Loop::find_circuit(std::uint64_t id) noexcept {
    const auto found = circuits_.find(id);
    return found == circuits_.end() ? nullptr : found->second.get();
}

void Loop::disconnect(const PvPtr& pv) {
    pv->channels.for_each(
        [](Channel& channel) { channel.circuit.disconnect_channel(channel); });
}

void Loop::close_all() noexcept {
    listeners_.clear();
    searches_.reset();
    beacon_.reset();
    circuits_.clear();
    circuits_by_host_.clear();
    encodings_.clear();
    shared_.counters.circuits = 0;
}

void Loop::abandon() noexcept {
    thread_ = {};
    // The epoll instance is the parent's, too: what is removed from it is so for both.
    poller_->abandon();
    close_all();
}

}  // namespace pcas
