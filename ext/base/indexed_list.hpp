// A list of pointers in one piece of memory, whose elements know their place in it: to
// leave is cheap, and so is to go through all of them, as what comes is known ahead.
// The order is not kept. Not synchronised: the owner says which thread may touch it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/prefetch.hpp"

namespace pcas {

template <class T>
class IndexedList;

// Base of an element of IndexedList<T>; leaves its list when destroyed.
template <class T>
class IndexedNode {
  public:
    IndexedNode() = default;
    IndexedNode(const IndexedNode&) = delete;
    IndexedNode& operator=(const IndexedNode&) = delete;
    ~IndexedNode() {
        if (list_) list_->remove(*this);
    }

  private:
    friend class IndexedList<T>;
    IndexedList<T>* list_ = nullptr;
    std::size_t index_ = 0;
};

// T may be incomplete where the list is a member.
template <class T>
class IndexedList {
    using Node = IndexedNode<T>;

  public:
    IndexedList() = default;
    ~IndexedList() {
        for (Node* node : nodes_) node->list_ = nullptr;
    }
    IndexedList(const IndexedList&) = delete;
    IndexedList& operator=(const IndexedList&) = delete;

    bool empty() const noexcept { return nodes_.empty(); }
    std::size_t size() const noexcept { return nodes_.size(); }
    // The node must be in no list. Throws std::bad_alloc.
    void push_back(Node& node) {
        nodes_.push_back(&node);
        node.list_ = this;
        node.index_ = nodes_.size() - 1;
    }
    void remove(Node& node) noexcept {
        std::size_t hole = node.index_;
        if (hole < walked_) {  // which is to be filled by one that was walked to
            put(hole, nodes_[--walked_]);
            hole = walked_;
        }
        if (hole + 1 < nodes_.size()) put(hole, nodes_.back());
        nodes_.pop_back();
        node.list_ = nullptr;
    }
    // Calls f(T&) for each element; f may remove the element it is given, no other.
    template <class F>
    void for_each(F&& f) {
        for (std::size_t i = 0; i < nodes_.size();) {
            if (i + kAhead < nodes_.size()) ask_for(*nodes_[i + kAhead]);
            Node* node = nodes_[i];
            f(static_cast<T&>(*node));
            if (i < nodes_.size() && nodes_[i] == node) ++i;
        }
    }

    // Calls f(T&) for each element until it returns false, after which the next call
    // goes on. True at the end, after which it begins anew. Elements may come and go
    // meanwhile: f may remove the one it is given, and in between any may leave.
    template <class F>
    bool walk(F&& f) {
        while (walked_ < nodes_.size()) {
            if (walked_ + kAhead < nodes_.size()) ask_for(*nodes_[walked_ + kAhead]);
            Node* node = nodes_[walked_++];
            if (!f(static_cast<T&>(*node))) return false;
        }
        walked_ = 0;
        return true;
    }

  private:
    void put(std::size_t index, Node* node) noexcept {
        nodes_[index] = node;
        node->index_ = index;
    }
    // As many as are worked at in the time that memory takes to answer.
    static constexpr std::size_t kAhead = 6;
    static void ask_for(const Node& node) noexcept {
        prefetch(static_cast<const T*>(&node), sizeof(T));
    }

    std::vector<Node*> nodes_;
    std::size_t walked_ = 0;  // how many a walk that goes on has been to
};

}  // namespace pcas
