// A value, or a failure, as libca delivered it.
#pragma once

#include <caerr.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#include "client/ca_api.hpp"

namespace aioca {

// Elements of at least this many bytes get memory of their own, which numpy takes over.
constexpr std::size_t OWN_MEMORY_BYTES = 2048;
// Type of a Block that holds no value, only a status (a disconnect, a timeout).
constexpr long STATUS_ONLY = -1;

// Allocated with its data behind it.
struct Block {
    Block* next;
    long type;
    int status;
    bool own_memory;       // the elements are malloc'd, not in data()
    std::size_t capacity;  // of data()
    unsigned long count;
    unsigned long element_count;  // of the channel when the value arrived
    char* elements;               // null without a value
    char* data() { return reinterpret_cast<char*>(this + 1); }
};

inline void free_block(Block* block) {
    if (!block) return;
    if (block->own_memory) std::free(block->elements);
    std::free(block);
}

inline void free_blocks(Block* block) {
    while (block) {
        Block* next = block->next;
        free_block(block);
        block = next;
    }
}

// One that may be kept for the next value.
inline bool is_small(const Block* block) {
    return !block->own_memory && block->capacity <= 256;
}

// Null if there is no memory.
Block* status_block(int status);

// [libca] The value or the failure that a callback was called with. The type is the
// server's word: another one than was asked for would be read as what it is not.
// It takes over `spare`, the memory of an earlier one, or frees it.
Block* block_of(const CaApi& api, const event_handler_args& args, long asked,
                Block* spare = nullptr);

}  // namespace aioca
