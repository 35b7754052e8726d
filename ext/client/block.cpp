#include "client/block.hpp"

#include <cstring>

namespace aioca {

namespace {

Block* allocate_block(std::size_t bytes) {
    void* memory = std::malloc(sizeof(Block) + bytes);
    if (!memory) return nullptr;
    return new (memory) Block{};
}

// The elements of a big value go to memory of their own.
Block* copy_value(const CaApi& api, long type, std::size_t count, const void* dbr) {
    const std::size_t offset = api.value_offset[type];
    const std::size_t bytes = count * api.value_size[type];
    const bool own_memory = bytes >= OWN_MEMORY_BYTES;
    Block* block = allocate_block(own_memory ? offset : offset + bytes);
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
Block* copy_head(const CaApi& api, long type, const void* dbr) {
    const std::size_t head = api.value_offset[type];
    Block* block = allocate_block(head);
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

Block* block_of(const CaApi& api, const event_handler_args& args, long asked) {
    if (args.status != ECA_NORMAL) return status_block(args.status);
    if (args.type != asked || args.type < 0 || args.type > DBR_CLASS_NAME)
        return status_block(ECA_BADTYPE);
    if (args.count > 0 && !args.dbr) return status_block(ECA_GETFAIL);
    Block* block =
        args.count > 0
            ? copy_value(api, args.type, static_cast<std::size_t>(args.count), args.dbr)
            : copy_head(api, args.type, args.dbr);
    return block ? block : status_block(ECA_ALLOCMEM);
}

}  // namespace aioca
