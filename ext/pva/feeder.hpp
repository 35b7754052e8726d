// The thread that brings to PVAccess what comes from elsewhere: posts to subscriptions,
// Python's answers to operations, new rights and removed PVs to channels.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "pva/channel.hpp"
#include "pva/core.hpp"

namespace pcas::pva {

class Feeder {
  public:
    explicit Feeder(std::shared_ptr<Core> core);  // starts it
    ~Feeder();                                    // ends it
    Feeder(const Feeder&) = delete;
    Feeder& operator=(const Feeder&) = delete;

    // The child of a fork, where there is no such thread.
    void abandon() noexcept { thread_.detach(); }

  private:
    void run();
    void run_turn();
    void drop_removed();
    void change_rights();
    void answer();
    void answer(const Completion& completion);
    void deliver_posts();
    void deliver_some();
    void deliver(PvaPv& pv);

    const std::shared_ptr<Core> core_;
    std::atomic<bool> ends_{false};
    // the thread's own
    std::vector<PvClientsPtr> posted_;
    std::size_t next_posted_ = 0;
    std::vector<Event> events_;
    struct Update {
        Monitor* monitor;
        pvxs::Value value;
    };
    std::vector<Update> updates_;
    std::vector<Completion> answers_;
    std::vector<PvPtr> removed_;
    std::vector<RightsQueue::Entry> changed_;
    std::vector<std::shared_ptr<Channel>> touched_;  // let go of without the mutex
    std::vector<std::shared_ptr<Channel>> refused_;  // whose PV does not exist
    std::vector<std::shared_ptr<Channel>> attached_;

    std::thread thread_;  // the last one: it uses the others
};

}  // namespace pcas::pva
