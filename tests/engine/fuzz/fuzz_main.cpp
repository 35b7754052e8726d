// One libFuzzer program for the target that TARGET names (framer, dbr, session,
// search, events).
#include FUZZ_HEADER

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::TARGET::run_target({reinterpret_cast<const std::byte*>(data), size});
    return 0;
}
