// The source of names that are fields of PVs: NAME.FIELD, with or without modifiers,
// where the table of a namespace has NAME, and no PV of its own by the whole name.
#pragma once

#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/export.hpp"
#include "fields/record_fields.hpp"
#include "pv/namespace.hpp"
#include "pv/source.hpp"

namespace pcas {

class PCAS_API FieldSource final : public Source {
  public:
    explicit FieldSource(const PvTable& table) noexcept : table_(table) {}
    ~FieldSource() override = default;

    // `names` has fields from now on; call it before the first server is started. The
    // source is theirs.
    static FieldSource& add_to(Namespace& names);

    // The name of the PV that `name` may be a field of; empty if it is no name of one.
    static std::string_view record_name(std::string_view name) noexcept;
    // What `name` is of `record`, whatever that is called. Null if it has no such
    // field.
    PvPtr field_of(const PvPtr& record, std::string_view name) const;

    // ---- Source ----
    Found find(std::string_view name, NameUse use) const override;
    PvPtr given(std::string_view name) const override;
    void prepare_fork() override { gate_.lock(); }
    void after_fork_in_parent() override { gate_.unlock(); }
    void after_fork_in_child() override;

  private:
    PvPtr look_up(std::string_view name, std::string_view& record_name,
                  FieldPart& part) const;
    PvPtr attach(const PvPtr& record, const FieldPart& part) const;
    void look_for_unused() const;

    static constexpr std::size_t kFew = 1000;

    const PvTable& table_;
    // Held by those who ask for fields; ahead of the mutexes of RecordFields. Whoever
    // sets a value does not need it: threads with the GIL do, and fork() is prepared
    // without.
    mutable std::mutex gate_;
    mutable std::vector<Ref<RecordFields>> records_;
    mutable std::size_t made_ = 0;  // since it was last looked for unused ones
    mutable std::size_t most_ = kFew;
};

}  // namespace pcas
