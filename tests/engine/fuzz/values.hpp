// Invariant: whatever bytes a server sends as whatever type, all that a value shows of
// them lies in what has come: elements are those bytes, a text ends at its NUL or with
// its memory, an enum has no more states than there is room for.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "client/block.hpp"
#include "client/dbr_fields.hpp"
#include "fuzz_input.hpp"

namespace fuzz::values {

using namespace aioca;

inline const CaApi& tables() {
    static const CaApi made = [] {
        CaApi api;
        api.value_size = dbr_value_size;
        api.value_offset = dbr_value_offset;
        return api;
    }();
    return made;
}

inline void require_text(std::string_view text, const char* memory, std::size_t size) {
    FUZZ_REQUIRE(text.data() == memory);
    FUZZ_REQUIRE(text.size() <= size);
    FUZZ_REQUIRE(text.find('\0') == std::string_view::npos);
    FUZZ_REQUIRE(text.size() == size || memory[text.size()] == 0);
}

inline void read_metadata(Block& block) {
    const char* head = block.data();
    ControlFields fields;
    const bool has_limits = block.type >= DBR_CTRL_SHORT &&
                            block.type <= DBR_CTRL_DOUBLE &&
                            block.type != DBR_CTRL_ENUM;
    FUZZ_REQUIRE(control_fields(block.type, head, fields) == has_limits);
    if (has_limits) {
        const char* end = head + tables().value_offset[block.type];
        FUZZ_REQUIRE(fields.units.data() > head);
        FUZZ_REQUIRE(fields.units.data() + MAX_UNITS_SIZE <= end);
        require_text(fields.units, fields.units.data(), MAX_UNITS_SIZE);
        const bool real = block.type == DBR_CTRL_FLOAT || block.type == DBR_CTRL_DOUBLE;
        FUZZ_REQUIRE(fields.real == real);
    } else if (block.type == DBR_CTRL_ENUM) {
        const auto* from = reinterpret_cast<const dbr_ctrl_enum*>(head);
        FUZZ_REQUIRE(enum_states(head) <= MAX_ENUM_STATES);
        for (std::size_t i = 0; i < enum_states(head); ++i) {
            require_text(enum_state(head, i), from->strs[i], MAX_ENUM_STRING_SIZE);
        }
    }
}

inline void read_elements(Block& block, const std::vector<char>& sent) {
    const std::size_t head = tables().value_offset[block.type];
    const std::size_t size = tables().value_size[block.type];
    FUZZ_REQUIRE(
        std::equal(sent.begin(), sent.begin() + static_cast<long>(head), block.data()));
    FUZZ_REQUIRE(
        std::equal(sent.begin() + static_cast<long>(head), sent.end(), block.elements));
    FUZZ_REQUIRE(block.own_memory == (block.count * size >= OWN_MEMORY_BYTES));
    FUZZ_REQUIRE(block.own_memory != (block.elements == block.data() + head));
    if (size != MAX_STRING_SIZE) return;
    for (std::size_t i = 0; i < block.count; ++i) {
        const char* element = block.elements + i * size;
        require_text(text_in(element, size), element, size);
    }
}

inline void run_target(std::span<const std::byte> bytes) {
    Input input(bytes);
    const long type = input.u8() % (DBR_CLASS_NAME + 1);
    const std::uint8_t size = input.u8();
    const std::size_t count = size < 250 ? size % 64u : input.u16() % 1024u;
    std::vector<char> sent(tables().value_offset[type] +
                           count * tables().value_size[type]);
    const auto rest = input.bytes(sent.size());
    if (!rest.empty()) std::memcpy(sent.data(), rest.data(), rest.size());
    event_handler_args args{};
    args.type = type;
    args.count = static_cast<long>(count);
    args.status = ECA_NORMAL;
    static const char nothing = 0;
    args.dbr = sent.empty() ? &nothing : sent.data();
    Block* block = block_of(tables(), args, type);
    FUZZ_REQUIRE(block && block->type == type && block->count == count);
    // What is read after the callback's end does not come from libca's memory.
    std::vector<char> kept(sent);
    std::fill(sent.begin(), sent.end(), '\xee');
    read_metadata(*block);
    read_elements(*block, kept);
    free_block(block);
}

}  // namespace fuzz::values
