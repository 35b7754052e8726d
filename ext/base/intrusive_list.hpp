// A doubly linked list whose links live in the elements: no allocation to join or
// leave. Not synchronised: the owner of the list says which thread may touch it.
#pragma once

namespace pcas {

template <class T, class Tag>
class IntrusiveList;

// Base of an element of IntrusiveList<T, Tag>; leaves its list when destroyed. The tag
// tells lists apart where an object is in several.
template <class T, class Tag = void>
class ListNode {
  public:
    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    ~ListNode() { leave(); }
    bool linked() const noexcept { return next_ != nullptr; }
    void leave() noexcept {
        if (!next_) return;
        prev_->next_ = next_;
        next_->prev_ = prev_;
        next_ = prev_ = nullptr;
    }

  private:
    friend class IntrusiveList<T, Tag>;
    ListNode* next_ = nullptr;
    ListNode* prev_ = nullptr;
};

// T may be incomplete where the list is a member.
template <class T, class Tag = void>
class IntrusiveList {
    using Node = ListNode<T, Tag>;

  public:
    IntrusiveList() noexcept { head_.next_ = head_.prev_ = &head_; }
    ~IntrusiveList() {
        while (!empty()) head_.next_->leave();
        head_.next_ = head_.prev_ = nullptr;
    }
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;

    bool empty() const noexcept { return head_.next_ == &head_; }
    // The first element; the list must not be empty.
    T& front() const noexcept { return static_cast<T&>(*head_.next_); }
    void push_back(Node& node) noexcept {
        node.leave();
        node.prev_ = head_.prev_;
        node.next_ = &head_;
        head_.prev_->next_ = &node;
        head_.prev_ = &node;
    }
    // Takes all elements of `other`, behind those that are here.
    void splice(IntrusiveList& other) noexcept {
        if (other.empty()) return;
        other.head_.next_->prev_ = head_.prev_;
        head_.prev_->next_ = other.head_.next_;
        head_.prev_ = other.head_.prev_;
        head_.prev_->next_ = &head_;
        other.head_.next_ = other.head_.prev_ = &other.head_;
    }
    // Calls f(T&) for each element; f may remove the element it is given, no other.
    template <class F>
    void for_each(F&& f) {
        for (Node* node = head_.next_; node != &head_;) {
            Node* next = node->next_;
            f(static_cast<T&>(*node));
            node = next;
        }
    }

  private:
    Node head_;
};

}  // namespace pcas
