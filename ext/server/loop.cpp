#include "server/loop.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace pcas {
namespace {

constexpr std::chrono::seconds kCacheSweep{1};

std::vector<in_addr> local_addresses(const Config& config, Log& log,
                                     std::vector<in_addr>& multicast) {
    std::vector<in_addr> out;
    for (const std::string& text : config.interfaces) {
        sockaddr_in address;
        if (!resolve(text, 0, address)) {
            log.add(LogLevel::Warning, "config",
                    "interface \"" + printable(text) + "\" cannot be resolved");
        } else if (is_multicast(address.sin_addr)) {
            multicast.push_back(address.sin_addr);
        } else {
            out.push_back(address.sin_addr);
        }
    }
    if (out.empty()) out.push_back(in_addr{});  // 0.0.0.0
    return out;
}

class AwaitedRequests final : public Awaited {
  public:
    AwaitedRequests(RequestQueue& requests, Reactor& reactor)
        : requests_(requests), wake_([&reactor] { reactor.wake(); }) {}
    bool may_sleep() override { return requests_.go_elsewhere(wake_); }
    bool has_come() noexcept override { return requests_.back_from_elsewhere(); }

  private:
    RequestQueue& requests_;
    const std::function<void()> wake_;
};

}  // namespace

Loop::Loop(Shared& shared)
    : shared_(shared),
      posts_(std::make_shared<Posts>(reactor_.gate())),
      rights_changes_(reactor_.gate()),
      services_(shared, reactor_, posts_, rights_changes_),
      circuits_(services_),
      deliveries_(posts_) {}

Loop::~Loop() {
    close_all();
    posts_->close();
}

void Loop::bind() {
    const Config& config = shared_.config;
    std::vector<in_addr> multicast;
    const std::vector<in_addr> addresses =
        local_addresses(config, shared_.log, multicast);
    searches_ = std::make_unique<SearchService>(services_);
    searches_->bind(addresses, multicast, config.udp_port);
    shared_.udp_port = searches_->port();
    const std::uint16_t wanted = config.tcp_port ? config.tcp_port : searches_->port();
    std::uint16_t port = 0;
    for (UniqueSocket& socket : listen_on_all(addresses, wanted, port)) {
        listeners_.push_back(
            std::make_unique<Listener>(services_, circuits_, std::move(socket)));
    }
    if (config.tcp_port && port != wanted) {
        shared_.log.add(LogLevel::Warning, "config",
                        "TCP port " + std::to_string(wanted) +
                            " is in use: using port " + std::to_string(port) +
                            ". Clients that search over UDP find it; firewalls and "
                            "EPICS_CA_NAME_SERVERS need the new port");
    }
    shared_.tcp_port = port;
    beacon_ = std::make_unique<Beacon>(services_);
}

void Loop::begin() {
    shared_.completions->open(reactor_.gate());
    shared_.removed->open(reactor_.gate());
    if (beacon_) beacon_->start();
}

void Loop::end() noexcept {
    shared_.completions->close();
    shared_.removed->close();
    close_all();
}

// No request that comes after new rules is judged by the old ones.
void Loop::before_io(std::size_t ready) {
    rights_changes_.apply(circuits_);
    services_.agenda().begin_turn(ready);
}

void Loop::after_io() {
    Agenda& agenda = services_.agenda();
    take_removed();
    take_completions();
    deliveries_.run();
    agenda.flush_output();
    agenda.go_on();
    circuits_.remove_discarded();
    circuits_.feed_starved();
    if (!services_.encodings().empty()) plan_cache_sweep();
}

bool Loop::has_more() const noexcept {
    return services_.agenda().has_more() || deliveries_.unfinished();
}

void Loop::on_exception(const char* where, const std::exception& error) noexcept {
    shared_.log.add_caught("loop", where, error);
}

void Loop::plan_cache_sweep() {
    if (std::exchange(cache_sweep_planned_, true)) return;
    services_.timers().after(kCacheSweep, [this] {
        services_.encodings().drop_stale();
        cache_sweep_planned_ = false;
    });
}

void Loop::take_completions() {
    shared_.completions->take(completions_);
    for (const Completion& completion : completions_) {
        auto& request = static_cast<CaRequest&>(*completion.request);
        if (request.circuit() == 0)
            searches_->on_completion(request);
        else
            circuits_.on_completion(request, completion.completed);
    }
    completions_.clear();
}

// They are not served any more.
void Loop::take_removed() {
    shared_.removed->take(removed_);
    for (const PvPtr& pv : removed_) {
        const Ref<CaPv> ca_pv = CaPv::find(*pv, *posts_);
        if (!ca_pv) continue;
        ca_pv->channels.for_each(
            [](Channel& channel) { channel.circuit.disconnect_channel(channel); });
    }
    removed_.clear();
}

void Loop::lead(Reactor::Clock::time_point until) noexcept {
    AwaitedRequests awaited(*shared_.names->requests(), reactor_);
    reactor_.lead(*this, awaited, until);
}

void Loop::ask(std::shared_ptr<Inquiry> inquiry) {
    reactor_.call([this, asked = std::move(inquiry)] {
        if (!asked->go_on(circuits_)) ask(asked);
    });
}

void Loop::close_all() noexcept {
    listeners_.clear();
    searches_.reset();
    beacon_.reset();
    circuits_.clear();
    services_.encodings().clear();
}

void Loop::abandon() noexcept {
    reactor_.abandon();
    shared_.removed->close();
    close_all();
}

}  // namespace pcas
