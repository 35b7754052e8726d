// What goes with a PV without being asked by a client for it: its fields are told of
// each new value, and a field knows its PV. A PV without one has a null pointer.
#pragma once

#include <string>
#include <vector>

#include "base/export.hpp"
#include "base/ref.hpp"
#include "dbr/snapshot.hpp"
#include "pv/event_mask.hpp"

namespace pcas {

class Pv;

class PCAS_API PvCompanion : public RefCounted {
  public:
    static void destroy(const PvCompanion* companion) noexcept { delete companion; }
    PvCompanion(const PvCompanion&) = delete;
    PvCompanion& operator=(const PvCompanion&) = delete;

    // Whoever has set or posted a value, without the PV's mutex: with the events of the
    // post, 0 if it was only set. Of two at the same time the later one may be told
    // first: the PV has the value.
    virtual void on_new_value(EventMask) {}
    // The PV is in that group of access security now, or is read only, or no more.
    virtual void on_rights_changed(const std::string&) {}
    // A subscription to these events begins with the PV's present value.
    virtual void on_joined(EventMask) {}
    // The value that a get has to be answered with where the PV reads by request; null
    // if Python has to be asked.
    virtual SnapshotPtr read() { return {}; }
    // What Python has read of the PV's record, as the PV shows it.
    virtual SnapshotPtr shown(SnapshotPtr of_record) { return of_record; }
    // The PV ends.
    virtual void on_end() noexcept {}
    // The PVs whose clients go with those of the PV when that is removed.
    virtual std::vector<Ref<Pv>> dependents();

    // Of a field: what the PV that it is a field of has as its owner, and the field's
    // name. Null for all others.
    virtual void* owner_of_record() { return nullptr; }
    virtual const char* field() const noexcept { return nullptr; }

  protected:
    PvCompanion() = default;
    virtual ~PvCompanion() = default;
};

using PvCompanionPtr = Ref<PvCompanion>;

}  // namespace pcas
