// What of one PV clients have asked for besides its value: its fields, and views of
// them and of the value. Each is a PV of its own, whose values follow from those of the
// PV that it belongs to, the record.
//
// The record holds this and this holds the fields; a field holds this, but not the
// record. What nobody uses any more is let go of by the next value of the record, or
// when the source of fields looks for such.
//
// Locks: the mutex here is ahead of the PVs' own. It is held to make values and to post
// them, never to call anything that waits.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dbr/view.hpp"
#include "fields/field_value.hpp"
#include "pv/pv.hpp"

namespace pcas {

class FieldOf;

// What a name asks for of a record.
struct FieldPart {
    const FieldDef* field = nullptr;  // null: the value
    std::string modifiers;            // empty: as it is
};

class PCAS_API RecordFields final : public PvCompanion {
  public:
    explicit RecordFields(Pv& record) noexcept : record_(&record) {}

    // The PV of that part, made if there is none or if it cannot be shared, for whoever
    // holds `record`, of which these are the fields. Null if it ends, if there is no
    // such part, or if there are very many already. Throws std::bad_alloc.
    PvPtr get(const Pv& record, const FieldPart& part);
    // Null if there is none.
    PvPtr find(const FieldPart& part) const;
    // Lets go of what nobody uses; how many are left.
    std::size_t drop_unused();
    // There are none, and nobody asks for one: the record lets go of this.
    bool release();

    // ---- for the PVs of fields ----
    // A put to `of`, which Python carries out.
    void put_begins(const FieldOf& of);
    // It is done: subscribers are told, even if the field is as before.
    void put_done(const FieldOf& of, const SnapshotPtr& value);
    void joined(const FieldOf& of, EventMask wanted);
    SnapshotPtr read(const FieldOf& of) const;
    SnapshotPtr shown(const FieldOf& of, SnapshotPtr of_record) const;
    // What the record has as its owner; null if it is gone.
    void* owner() const noexcept;

    // ---- PvCompanion ----
    void on_new_value(EventMask mask) override;
    void on_rights_changed(const std::string& group) override;
    void on_end() noexcept override;
    std::vector<PvPtr> dependents() override;

  private:
    struct Live {
        PvPtr pv;
        const FieldOf* of;  // that PV's companion
        FieldPart part;
        std::unique_ptr<View> view;  // null without modifiers
        SnapshotPtr source;          // what it shows, or its view makes something of
        SnapshotPtr posted;          // the same, when its subscribers were told last
        MetadataPtr made_for;        // of the record, when its own was made
        bool is_put = false;         // whoever puts to it has to be told of an event

        bool has(const FieldPart& other) const noexcept {
            return part.field == other.field && part.modifiers == other.modifiers;
        }
        bool is_shared() const noexcept { return !view || !view->has_state(); }
    };

    ~RecordFields() override = default;
    // Without rights, it would be open until it gets them.
    bool make(const Pv& record, const std::string& group, Live& made);
    // The mutex is held for all of these.
    RecordView record_view() const;
    SnapshotPtr source_of(const Live& live, const RecordView& record) const;
    void start(Live& live);
    void update(EventMask mask);
    void update(Live& live, const RecordView& record, EventMask mask);
    void show(Live& live, EventMask events);
    ValueKind kind_of(const Live& live) const noexcept;
    const Live* live(const FieldPart& part) const;
    const Live* live(const FieldOf& of) const;
    Live* live(const FieldOf& of);
    void take_unused(std::vector<PvPtr>& into);
    void disable_puts(bool on);

    mutable std::mutex mutex_;  // guards all below
    Pv* record_;                // null once it has ended
    std::vector<Live> live_;
    SnapshotPtr seen_;  // the record's last value; the fields are made of it
    std::uint8_t last_proc_ = 0;
    std::string group_;  // of access security
};

// What the PV of a field knows of it.
class PCAS_API FieldOf final : public PvCompanion {
  public:
    FieldOf(Ref<RecordFields> record, const FieldDef* def) noexcept
        : record_(std::move(record)), def_(def) {}

    // The one of `pv`; null if that is no field.
    static Ref<FieldOf> of(const Pv& pv);
    void put_begins() { record_->put_begins(*this); }
    void put_done(const SnapshotPtr& value) { record_->put_done(*this, value); }

    void on_joined(EventMask wanted) override { record_->joined(*this, wanted); }
    SnapshotPtr read() override { return record_->read(*this); }
    SnapshotPtr shown(SnapshotPtr of_record) override {
        return record_->shown(*this, std::move(of_record));
    }
    void* owner_of_record() override { return record_->owner(); }
    const char* field() const noexcept override { return def_ ? def_->name : nullptr; }

  private:
    ~FieldOf() override = default;
    const Ref<RecordFields> record_;
    const FieldDef* const def_;  // null: the value
};

}  // namespace pcas
