#include "fields/record_fields.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "fields/modifiers.hpp"
#include "pv/clock.hpp"

namespace pcas {
namespace {

// Parts of one record that are in use: each costs whoever posts a value some time. Its
// fields, of which there are few, are found however many views there are.
constexpr std::size_t kMostParts = 2000;

bool same_elements(const Snapshot& a, const Snapshot& b) noexcept {
    return a.size_bytes() == b.size_bytes() &&
           std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// The events that a post of the record is worth to one of its fields.
EventMask events_of(const FieldDef& field, const Snapshot& before, const Snapshot& now,
                    EventMask mask) noexcept {
    EventMask events = mask & kPropertyEvent;
    const bool changed = !same_elements(before, now);
    switch (field.events) {
        case FieldEvents::OnChange:
            return changed ? events | kValueEvent | kLogEvent : events;
        case FieldEvents::OfSevr:
            return changed ? events | kValueEvent : events;
        case FieldEvents::OfStat:
            if (before.alarm.severity != now.alarm.severity) events |= kAlarmEvent;
            return changed ? events | kValueEvent : events;
        case FieldEvents::None:
            break;
    }
    return events;
}

View::About about(EventMask events) noexcept {
    return {(events & (kAlarmEvent | kPropertyEvent)) != 0,
            (events & kPropertyEvent) != 0};
}

// Of the first string, or of characters.
std::string text_in(const Snapshot& s) {
    const auto* text = reinterpret_cast<const char*>(s.data());
    if (s.count() == 0) return {};
    const std::size_t size = s.type() == DbfType::String ? kStringSize : s.count();
    return {text, strnlen(text, size)};
}

// Text that a client may want to have as an array of characters.
bool is_text(const FieldPart& part, const RecordView& record) noexcept {
    if (part.field) return part.field->type == FieldType::String;
    return record.pv.type() == DbfType::String ||
           record.type.kind == RecordKind::LongText;
}

// With its NUL. A field may have more than an IOC's.
std::uint32_t text_size(const FieldPart& part, const RecordView& record) {
    if (!part.field)
        return record.pv.type() == DbfType::String ? kStringSize
                                                   : record.pv.max_count();
    const std::size_t size = field_text(*part.field, record).size() + 1;
    return static_cast<std::uint32_t>(std::max<std::size_t>(part.field->size, size));
}

// Null: there is nothing that would have to be shown in another way.
std::unique_ptr<View> view_of(const FieldPart& part, const RecordView& record,
                              bool& refused) {
    const auto modifiers = parse_modifiers(part.modifiers);
    refused = !modifiers || (modifiers->long_text && !is_text(part, record));
    if (refused) return {};
    const std::uint32_t size = modifiers->long_text ? text_size(part, record) : 0;
    return std::make_unique<View>(size, modifiers->filters);
}

ValueKind kind_in(const Pv& record, RecordType type, const FieldDef* field) noexcept {
    if (field) return {stored_type(*field, type), 1};
    return {record.type(), record.max_count()};
}

}  // namespace

// ---- to find and to make them ----

PvPtr RecordFields::get(const Pv& record, const FieldPart& part) {
    if (PvPtr known = find(part)) return known;
    const std::string group = record.access_group();
    Live made;
    made.part = part;
    if (!make(record, group, made)) return {};
    PvPtr pv = made.pv;
    std::vector<PvPtr> unused;  // let go of without the mutex
    {
        std::lock_guard lock(mutex_);
        if (!record_) return {};
        const Live* known = made.is_shared() ? live(part) : nullptr;
        if (known) return known->pv;  // meanwhile
        take_unused(unused);
        if (made.view && live_.size() >= kMostParts) return {};
        group_ = group;
        seen_ = record_->snapshot();
        start(made);
        live_.push_back(std::move(made));
    }
    const std::string group_now = record.access_group();
    if (group_now != group) on_rights_changed(group_now);
    return pv;
}

bool RecordFields::make(const Pv& record, const std::string& group, Live& made) {
    const SnapshotPtr now = record.snapshot();
    const RecordType type = record_type_of(record, *now->metadata);
    const RecordView view{record, type, *now, 0, group};
    const FieldDef* field = made.part.field;
    bool refused = false;
    if (!made.part.modifiers.empty()) made.view = view_of(made.part, view, refused);
    if (refused) return false;
    ValueKind kind = kind_in(record, type, field);
    if (made.view) kind = made.view->kind_of(kind);
    std::string name(record.name());
    name += field ? std::string(".") + field->name : ".VAL";
    name += made.part.modifiers;
    made.pv = Pv::create(name, kind.type, kind.max_count, now->metadata);
    const Ref<FieldOf> of(new FieldOf(Ref<RecordFields>(this), field));
    made.of = of.get();
    made.pv->get_companion(of);
    if (!group.empty()) made.pv->set_access_group(group);
    made.pv->set_read_only((field && field->no_put) || record.read_only());
    return true;
}

void RecordFields::start(Live& made) {
    const RecordView record = record_view();
    made.source = made.posted = source_of(made, record);
    made.made_for = seen_->metadata;
    const bool is_disp = made.part.field && made.part.field->id == FieldId::Disp;
    made.pv->set_puts_disabled(record_->puts_disabled() && !is_disp);
    show(made, 0);
}

PvPtr RecordFields::find(const FieldPart& part) const {
    std::lock_guard lock(mutex_);
    const Live* known = live(part);
    return known ? known->pv : PvPtr();
}

// One that clients can share.
const RecordFields::Live* RecordFields::live(const FieldPart& part) const {
    const auto found = std::find_if(live_.begin(), live_.end(), [&](const Live& known) {
        return known.has(part) && known.is_shared();
    });
    return found == live_.end() ? nullptr : &*found;
}

const RecordFields::Live* RecordFields::live(const FieldOf& of) const {
    const auto found = std::find_if(live_.begin(), live_.end(),
                                    [&](const Live& known) { return known.of == &of; });
    return found == live_.end() ? nullptr : &*found;
}

RecordFields::Live* RecordFields::live(const FieldOf& of) {
    return const_cast<Live*>(std::as_const(*this).live(of));
}

void RecordFields::take_unused(std::vector<PvPtr>& into) {
    std::erase_if(live_, [&](Live& known) {
        if (!known.pv->sole_ref()) return false;
        into.push_back(std::move(known.pv));
        return true;
    });
}

std::size_t RecordFields::drop_unused() {
    std::vector<PvPtr> unused;  // let go of without the mutex
    std::lock_guard lock(mutex_);
    take_unused(unused);
    return live_.size();
}

bool RecordFields::release() {
    std::lock_guard lock(mutex_);
    if (record_) record_->drop_companion(*this);
    return true;
}

// ---- new values ----

RecordView RecordFields::record_view() const {
    return {*record_, record_type_of(*record_, *seen_->metadata), *seen_, last_proc_,
            group_};
}

ValueKind RecordFields::kind_of(const Live& known) const noexcept {
    return kind_in(*record_, record_type_of(*record_, *seen_->metadata),
                   known.part.field);
}

SnapshotPtr RecordFields::source_of(const Live& known, const RecordView& record) const {
    const FieldDef* field = known.part.field;
    if (known.view && known.view->shows_text()) {
        return known.view->with_text(
            record.now, field ? field_text(*field, record) : text_in(record.now));
    }
    if (!field) return seen_;
    MetadataPtr metadata = known.source && known.made_for == record.now.metadata
                               ? known.source->metadata
                               : field_metadata(*field, record);
    return field_value(*field, record, std::move(metadata));
}

void RecordFields::on_new_value(EventMask mask) {
    std::vector<PvPtr> unused;  // let go of without the mutex
    std::lock_guard lock(mutex_);
    if (!record_) return;
    take_unused(unused);
    update(mask);
}

void RecordFields::update(EventMask mask) {
    SnapshotPtr now = record_->snapshot();
    if (now == seen_ && mask == 0) return;
    seen_ = std::move(now);
    const RecordView record = record_view();
    for (Live& known : live_) update(known, record, mask);
}

void RecordFields::update(Live& known, const RecordView& record, EventMask mask) {
    SnapshotPtr source = source_of(known, record);
    if (source->type() != known.source->type()) return;  // it is about to be replaced
    EventMask events = mask;
    if (mask && known.part.field)
        events = events_of(*known.part.field, *known.posted, *source, mask);
    known.source = std::move(source);
    known.made_for = record.now.metadata;
    if (events) known.posted = known.source;
    if (events & kValueEvent) known.is_put = false;
    show(known, events);
}

// A view's filters see the events that somebody wants, as an IOC's.
void RecordFields::show(Live& known, EventMask events) {
    if (!known.view) {
        if (events)
            known.pv->post(known.source, events);
        else
            known.pv->set(known.source);
        return;
    }
    View& view = *known.view;
    const bool by_request = !known.part.field && record_->reads_by_request();
    known.pv->set_reads_by_request(by_request || view.shows_now());
    const TimeStamp time = now();
    const ValueKind kind = kind_of(known);
    const EventMask all = events;
    events &= known.pv->wanted_events();
    SnapshotPtr told;
    if (events) {
        told =
            view.event(known.source, kind, time, about(events | (all & kAlarmEvent)));
    }
    if (told)
        known.pv->post(std::move(told), events);
    else
        known.pv->set(view.read(known.source, kind, time));
}

// It starts with an event, which the filters count.
void RecordFields::joined(const FieldOf& of, EventMask wanted) {
    std::lock_guard lock(mutex_);
    const Live* known = live(of);
    if (!record_ || !known || !known->view || !known->view->has_state()) return;
    known->view->event(known->source, kind_of(*known), now(), about(wanted));
}

SnapshotPtr RecordFields::read(const FieldOf& of) const {
    std::lock_guard lock(mutex_);
    const Live* known = live(of);
    if (!record_ || !known || !known->view) return {};
    if (!known->part.field && record_->reads_by_request()) return {};
    return known->view->read(known->source, kind_of(*known), now());
}

SnapshotPtr RecordFields::shown(const FieldOf& of, SnapshotPtr of_record) const {
    std::lock_guard lock(mutex_);
    const Live* known = live(of);
    if (!record_ || !known || !known->view || known->part.field) return of_record;
    if (of_record->type() != record_->type()) return of_record;
    if (known->view->shows_text())
        of_record = known->view->with_text(*of_record, text_in(*of_record));
    return known->view->read(of_record, kind_of(*known), now());
}

// ---- puts ----

// Clients of all views of the field are told.
void RecordFields::put_begins(const FieldOf& of) {
    std::lock_guard lock(mutex_);
    const Live* put = live(of);
    if (!put) return;
    const FieldDef* field = put->part.field;
    for (Live& known : live_) known.is_put |= known.part.field == field;
}

void RecordFields::put_done(const FieldOf& of, const SnapshotPtr& value) {
    std::lock_guard lock(mutex_);
    const Live* put = live(of);
    if (!record_ || !put || !put->part.field) return;
    const FieldDef& field = *put->part.field;
    if (field.id == FieldId::Disp) disable_puts(*value->data() != std::byte{0});
    if (field.id == FieldId::Proc)
        last_proc_ = std::to_integer<std::uint8_t>(*value->data());
    const RecordView record = record_view();
    for (Live& known : live_) {
        if (known.part.field != &field || !std::exchange(known.is_put, false)) continue;
        known.source = known.posted = source_of(known, record);
        show(known, kValueEvent | kLogEvent);
    }
}

void RecordFields::disable_puts(bool on) {
    record_->set_puts_disabled(on);
    for (const Live& known : live_) {
        const bool is_disp = known.part.field && known.part.field->id == FieldId::Disp;
        known.pv->set_puts_disabled(on && !is_disp);
    }
}

// ---- rights, the end ----

// Access security has locks of its own, for which nobody waits with the mutex.
void RecordFields::on_rights_changed(const std::string& group) {
    std::vector<std::pair<PvPtr, bool>> fields;
    {
        std::lock_guard lock(mutex_);
        if (!record_) return;
        group_ = group;
        for (const Live& known : live_) {
            const bool no_put = known.part.field && known.part.field->no_put;
            fields.emplace_back(known.pv, no_put || record_->read_only());
        }
    }
    for (const auto& [field, no_put] : fields) {
        if (field->access_group() != group) field->set_access_group(group);
        if (field->read_only() != no_put) field->set_read_only(no_put);
    }
}

void RecordFields::on_end() noexcept {
    std::vector<Live> gone;  // let go of without the mutex
    std::lock_guard lock(mutex_);
    record_ = nullptr;
    gone.swap(live_);
}

std::vector<PvPtr> RecordFields::dependents() {
    std::vector<PvPtr> all;
    std::lock_guard lock(mutex_);
    all.reserve(live_.size());
    for (const Live& known : live_) all.push_back(known.pv);
    return all;
}

void* RecordFields::owner() const noexcept {
    std::lock_guard lock(mutex_);
    return record_ ? record_->owner : nullptr;
}

Ref<FieldOf> FieldOf::of(const Pv& pv) {
    const PvCompanionPtr companion = pv.companion();
    return Ref<FieldOf>(dynamic_cast<FieldOf*>(companion.get()));
}

}  // namespace pcas
