#include "client/block.hpp"

#include <cstring>

namespace aioca {

namespace {

// Frees the spare one if it is too small.
Block* allocate_block(std::size_t bytes, Block* spare = nullptr) {
    void* memory = spare;
    if (spare && spare->capacity >= bytes) {
        bytes = spare->capacity;
    } else {
        std::free(spare);
        memory = std::malloc(sizeof(Block) + bytes);
    }
    if (!memory) return nullptr;
    auto* block = new (memory) Block{};
    block->capacity = bytes;
    return block;
}

// The elements of a big value go to memory of their own.
Block* copy_value(const CaApi& api, long type, std::size_t count, const void* dbr,
                  Block* spare) {
    const std::size_t offset = api.value_offset[type];
    const std::size_t bytes = count * api.value_size[type];
    const bool own_memory = bytes >= OWN_MEMORY_BYTES;
    Block* block = allocate_block(own_memory ? offset : offset + bytes, spare);
    if (!block) return nullptr;
    block->type = type;
    block->status = ECA_NORMAL;
    block->count = static_cast<unsigned long>(count);
    block->own_memory = own_memory;
    block->elements =
        own_memory ? static_cast<char*>(std::malloc(bytes)) : block->data() + offset;
    if (!block->elements) {
        std::free(block);
        return nullptr;
    }
    std::memcpy(block->data(), dbr, offset);
    std::memcpy(block->elements, static_cast<const char*>(dbr) + offset, bytes);
    return block;
}

// An array that is empty now: the structure's head without elements.
Block* copy_head(const CaApi& api, long type, const void* dbr, Block* spare) {
    const std::size_t head = api.value_offset[type];
    Block* block = allocate_block(head, spare);
    if (!block) return nullptr;
    block->type = type;
    block->status = ECA_NORMAL;
    block->elements = block->data() + head;
    if (dbr)
        std::memcpy(block->data(), dbr, head);
    else
        std::memset(block->data(), 0, head);
    return block;
}

}  // namespace

Block* status_block(int status) {
    Block* block = allocate_block(0);
    if (!block) return nullptr;
    block->type = STATUS_ONLY;
    block->status = status;
    return block;
}

Block* block_of(const CaApi& api, const event_handler_args& args, long asked,
                Block* spare) {
    int failed = ECA_NORMAL;
    if (args.status != ECA_NORMAL)
        failed = args.status;
    else if (args.type != asked || args.type < 0 || args.type > DBR_CLASS_NAME)
        failed = ECA_BADTYPE;
    else if (args.count > 0 && !args.dbr)
        failed = ECA_GETFAIL;
    if (failed != ECA_NORMAL) {
        free_block(spare);
        return status_block(failed);
    }
    const auto count = static_cast<std::size_t>(args.count);
    Block* block = args.count > 0 ? copy_value(api, args.type, count, args.dbr, spare)
                                  : copy_head(api, args.type, args.dbr, spare);
    return block ? block : status_block(ECA_ALLOCMEM);
}

}  // namespace aioca
