#include <cstddef>
#include <vector>

#include "pv/pv_clients.hpp"

namespace pcas {
namespace {

// Enough for the cost of a hand-over to vanish, and soon enough for the server.
constexpr std::size_t kBatch = 1024;

// What is gathered for one server. An empty one is anybody's.
struct Piece {
    PostQueue* queue = nullptr;  // that of all `clients`
    std::vector<PvClientsPtr> clients;

    void hand_over() {
        if (!clients.empty()) queue->push_all(clients);
    }
};

struct Batch {
    int depth = 0;
    std::vector<Piece> pieces;

    Piece& piece_for(PostQueue& queue) {
        Piece* unused = nullptr;
        for (Piece& piece : pieces) {
            if (piece.clients.empty())
                unused = &piece;
            else if (piece.queue == &queue)
                return piece;
        }
        if (!unused) unused = &pieces.emplace_back();
        unused->queue = &queue;
        return *unused;
    }
};
thread_local Batch batch;

}  // namespace

void PostBatch::begin() noexcept { ++batch.depth; }

void PostBatch::end() {
    if (--batch.depth > 0) return;
    for (Piece& piece : batch.pieces) piece.hand_over();
}

void PostBatch::push(const PvClientsPtr& clients) {
    PostQueue& queue = clients->queue();
    if (batch.depth == 0) return queue.push(clients);
    Piece& piece = batch.piece_for(queue);
    piece.clients.push_back(clients);
    if (piece.clients.size() >= kBatch) piece.hand_over();
}

}  // namespace pcas
