// What the servers of all protocols have in common: the names that they serve, and the
// requests for Python.
//
// A name is looked up in an ordered set of sources. To add a kind of names is to write
// a Source and to register it here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/export.hpp"
#include "base/mailbox.hpp"
#include "pv/misses.hpp"
#include "pv/names_by_request.hpp"
#include "pv/put_log.hpp"
#include "pv/pv.hpp"
#include "pv/pv_table.hpp"
#include "pv/request_queue.hpp"
#include "pv/source.hpp"

namespace pcas {

// PVs whose name is gone or stands for another one, on their way to a server, which
// tells its clients on them. Opened and closed by the server's thread.
using RemovedPvs = Mailbox<PvPtr>;

class PCAS_API Namespace {
  public:
    // `max_requests` and `max_bytes` are what may wait for Python.
    Namespace(std::size_t max_requests, std::size_t max_bytes);
    Namespace(const Namespace&) = delete;
    Namespace& operator=(const Namespace&) = delete;

    // ---- before the first of its servers is started ----
    // Asked after those that are there.
    void add_source(std::unique_ptr<Source> source);
    // Puts are written down there.
    void set_put_log(PutLogPtr log) noexcept { put_log_ = std::move(log); }

    // ---- any thread ----
    // What the first source says that knows the name.
    Found find(std::string_view name, NameUse use) const {
        for (const auto& source : sources_) {
            Found found = source->find(name, use);
            if (found.where != Where::NotHere) return found;
        }
        return {};
    }
    // Serves `pv`, in place of the PV of the same name, whose clients are told.
    void add(const PvPtr& pv);
    // The same under another name than the PV's own, or one more.
    void add(std::string_view name, const PvPtr& pv);
    // False if there is none of that name.
    bool remove(std::string_view name);
    const PvTable& table() const noexcept { return table_; }
    NamesByRequest& by_request() noexcept { return by_request_; }
    // Servers note there what clients search for in vain, while it is kept.
    Misses& misses() noexcept { return misses_; }
    // Another one in the child of a fork, where nobody else has this one.
    const std::shared_ptr<RequestQueue>& requests() const noexcept { return requests_; }
    // Null: puts are not written down.
    const PutLogPtr& put_log() const noexcept { return put_log_; }
    // A lane of the queue for whoever makes requests; never used again.
    std::uint64_t new_lane() noexcept { return ++last_lane_; }
    std::uint64_t last_lane() const noexcept { return last_lane_; }

    // ---- by servers ----
    // A server is made: it is told of PVs that are removed, as long as there is `to`.
    void tell_removed(const std::shared_ptr<RemovedPvs>& to);
    // Its first subscription on `pv` has come, or its last one gone: Python is told of
    // that, if it wants to know and no other server has one. Throws std::bad_alloc.
    void tell_interest(const PvPtr& pv, std::uint64_t lane, const ClientPtr& client);
    // A server starts: requests are taken from now on.
    void open();
    // A server has ended: with the last one, what is queued is dropped.
    void close();

    // ---- around fork() ----
    // By the thread that forks, when no thread of a server is in a turn. In the child
    // no server runs.
    void prepare_fork();
    void after_fork_in_parent();
    void after_fork_in_child();

  private:
    PvPtr hidden_by(std::string_view name) const;
    void tell(const PvPtr& removed);
    void make_requests();

    const std::size_t max_requests_, max_bytes_;
    NamesByRequest by_request_;
    Misses misses_;
    PvTable table_;
    std::vector<std::unique_ptr<Source>> added_;
    std::vector<Source*> sources_;  // constant once a server runs
    std::shared_ptr<RequestQueue> requests_;
    PutLogPtr put_log_;  // constant once a server runs
    std::atomic<std::uint64_t> last_lane_{0};

    std::mutex mutex_;  // ahead of the queue's and the mailboxes'; guards all below
    std::vector<std::weak_ptr<RemovedPvs>> servers_;
    std::size_t running_ = 0;  // servers
};

}  // namespace pcas
