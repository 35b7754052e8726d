// Where names come from. A namespace asks its sources one after the other.
#pragma once

#include <cstdint>
#include <string_view>

#include "pv/pv.hpp"

namespace pcas {

enum class Where : std::uint8_t {
    NotHere,
    Here,
    ByRequest  // an Exists or an Attach request is to be made, whose completion says it
};

// What is said of a name.
struct Found {
    Where where = Where::NotHere;
    PvPtr pv;  // Here: the PV; may be null where it was only searched for
};

// What a client wants of a name: to know that it is served, or a channel on its PV.
enum class NameUse : std::uint8_t { Search, Attach };

class Source {
  public:
    virtual ~Source() = default;
    // The threads of all servers; must not wait.
    virtual Found find(std::string_view name, NameUse use) const = 0;
    // Any thread: the PV that clients may have got for that name, without making one.
    virtual PvPtr given(std::string_view) const { return {}; }

    // Around fork(), by the thread that forks: the child finds the source whole.
    virtual void prepare_fork() {}
    virtual void after_fork_in_parent() {}
    virtual void after_fork_in_child() {}
};

}  // namespace pcas
