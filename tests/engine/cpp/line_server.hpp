// A server of a protocol of lines of text, which shares its PVs with others: what any
// protocol needs of pv/ and net/, without ext/server. A client sends
//
//     find NAME, get NAME, put NAME VALUE, monitor NAME, cancel NAME
//
// and is told: found, value, done or failed, update (of a monitor), cancelled, gone
// (the PV of a monitor), none (no such name), each with the name, and the value behind
// it. Values are numbers. A client that does not read gets the last value of each
// monitor.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/reactor.hpp"
#include "net/sockets.hpp"
#include "pv/namespace.hpp"
#include "pv/posts.hpp"

namespace lines {

using namespace pcas;

class Line;

// What this server has of a PV.
class LinePv final : public PvClients {
  public:
    LinePv(Pv& pv, std::shared_ptr<PostQueue> queue)
        : PvClients(pv, std::move(queue)) {}
    std::map<Line*, int> monitors;  // how many each has
};

// The rest of a line, which goes on when Python has answered.
class LineRequest final : public Request {
  public:
    using Request::Request;
    std::string word, argument;
};

class LineServer final : private ReactorWork {
  public:
    explicit LineServer(std::shared_ptr<Namespace> names);
    ~LineServer() { close(); }
    LineServer(const LineServer&) = delete;
    LineServer& operator=(const LineServer&) = delete;

    // ---- any thread ----
    // The client's end of a new connection. `buffer` is what it takes of unread lines.
    UniqueSocket connect(int buffer = 1 << 20);
    // Until it ends the server does nothing.
    std::unique_lock<std::mutex> stall() {
        return std::unique_lock(reactor_.turn_mutex());
    }
    void close();

  private:
    friend class Line;
    void begin() override;
    void end() noexcept override;
    void before_io(std::size_t /*ready*/) override {}
    void after_io() override;
    bool has_more() const noexcept override { return false; }
    void on_exception(const char* where, const std::exception& error) noexcept override;
    void deliver(LinePv& pv);

    const std::shared_ptr<Namespace> names_;
    Reactor reactor_;
    const std::shared_ptr<Posts> posts_;
    const std::shared_ptr<CompletionQueue> completions_;
    const std::shared_ptr<RemovedPvs> removed_;
    std::map<std::uint64_t, std::unique_ptr<Line>> lines_;  // by lane
    std::thread thread_;
};

// One client. Thread of the server.
class Line final : public IoHandler {
  public:
    Line(LineServer& server, std::uint64_t lane, UniqueSocket socket);
    ~Line();
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    void on_io(bool readable, bool writable) override;
    bool closed() const noexcept { return !socket_; }
    void on_completed(const LineRequest& request);
    void on_update(const PvPtr& pv, const Event& event);
    void on_removed(const PvPtr& pv);

  private:
    struct Monitor {
        PvPtr pv;
        std::uint64_t joined;
        SnapshotPtr waiting;  // the last one that found no room
    };
    void execute(const std::string& line);
    void find(const std::string& name);
    void execute(const std::string& word, const std::string& name,
                 const std::string& value, const PvPtr& pv);
    void put(const PvPtr& pv, const std::string& value);
    void monitor(const std::string& name, const PvPtr& pv);
    void cancel(const std::string& name);
    Ref<LineRequest> make_request(RequestKind kind, const std::string& name);
    void say(const std::string& what, const std::string& name,
             const SnapshotPtr& value = {});
    void flush();
    Ref<LinePv> line_pv(const Pv& pv) const;

    static constexpr std::size_t kMaxUnsent = 4096;

    LineServer& server_;
    const std::uint64_t lane_;
    UniqueSocket socket_;
    ClientPtr identity_;
    std::string in_, out_;
    bool wants_room_ = false;
    std::map<std::string, Monitor> monitors_;  // by the name that was asked for
};

}  // namespace lines
