// The Channel Access server: owns the loop thread and everything on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.hpp"
#include "base/log.hpp"
#include "pv/client_row.hpp"
#include "pv/namespace.hpp"
#include "pv/pv.hpp"
#include "pv/request_queue.hpp"
#include "server/config.hpp"

namespace pcas {

class Inquiry;
struct Shared;

class PCAS_API Server {
  public:
    // `names` are shared with servers of other protocols: whoever shares them calls
    // their fork functions, too, behind prepare_fork() of all servers and ahead of the
    // others. Null: the server has names of its own.
    explicit Server(Config config, std::shared_ptr<Namespace> names = nullptr);
    ~Server();  // close()
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // ---- any thread but the loop's ----
    // Binds the sockets and starts the loop thread. Throws std::system_error. Calling
    // it again while running does nothing; after close() it starts anew.
    void start();
    // Ends the loop thread and closes all circuits. PVs stay. May be called again.
    void close() noexcept;
    bool running() const noexcept;
    std::uint16_t tcp_port() const noexcept;  // 0 before start()
    std::uint16_t udp_port() const noexcept;

    // The names, of which the next ones are short forms.
    const std::shared_ptr<Namespace>& names() const noexcept;
    // Serves `pv`, replacing the PV of the same name: its clients get SERVER_DISCONN
    // and come back by search.
    void add(const PvPtr& pv);
    // The same under another name than the PV's own, or one more.
    void add(std::string_view name, const PvPtr& pv);
    // False if there is none of that name.
    bool remove(std::string_view name);
    PvPtr find(std::string_view name) const;
    std::size_t size() const;

    // Searches (channels) are answered by an Exists (Attach) request instead of the
    // table.
    void set_search_by_request(bool on) noexcept;
    void set_attach_by_request(bool on) noexcept;

    // For the threads that carry requests out.
    // As RequestQueue::take(). Where nothing has come yet, one of them waits in the
    // loop's place: what it receives for itself is there without a change of threads.
    std::vector<RequestPtr> take(std::size_t max, std::chrono::nanoseconds timeout);
    // What this thread completes or posts from now on waits for its answer(), which
    // follows at once.
    void hold_answers();
    // Sends what was completed, from this thread if the loop has nothing else to do.
    void answer();

    RequestQueue& requests() noexcept;
    CompletionQueue& completions() noexcept;
    Log& log() noexcept;
    // Counters by name: circuits, channels, subscriptions, searches, reads, writes,
    // updates, what was refused and what was dropped.
    std::map<std::string, std::uint64_t> stats() const;

    // Who has circuits, and channels of one of them from `offset` on. Nothing if it
    // does not run, or its loop has not answered after `timeout`.
    std::optional<std::vector<ClientRow>> clients(
        std::chrono::milliseconds timeout) const;
    std::optional<ChannelRows> channels(std::uint64_t circuit, std::size_t offset,
                                        std::size_t limit,
                                        std::chrono::milliseconds timeout) const;

    // That the loop goes on: beats() grows soon after each ask_for_beat(), which does
    // not wait.
    void ask_for_beat();
    std::uint64_t beats() const noexcept;

    // Around fork(): between the first call and one of the others no engine thread
    // holds a lock. The child forgets the loop and closes its copies of the descriptors
    // without a word to the clients, which are the parent's.
    void prepare_fork();
    void after_fork_in_parent();
    void after_fork_in_child() noexcept;

  private:
    struct Control;
    bool ask(std::shared_ptr<Inquiry> inquiry) const;
    bool lead(std::chrono::nanoseconds timeout);
    std::unique_ptr<Shared> shared_;
    std::unique_ptr<Control> control_;
};

}  // namespace pcas
