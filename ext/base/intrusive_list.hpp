// A doubly linked list whose links live in the elements: no allocation to join or leave.
// Not synchronised: the owner of the list says which thread may touch it.
#pragma once

namespace pcas {

template <class T>
class IntrusiveList;

// Base of an element. `Tag` tells lists apart when an object is in several.
template <class T>
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
    friend class IntrusiveList<T>;
    ListNode* next_ = nullptr;
    ListNode* prev_ = nullptr;
};

template <class T>
class IntrusiveList {
  public:
    IntrusiveList() noexcept { head_.next_ = head_.prev_ = &head_; }
    ~IntrusiveList() {
        while (!empty()) front().leave_node();
        head_.next_ = head_.prev_ = nullptr;
    }
    bool empty() const noexcept { return head_.next_ == &head_; }
    void push_back(T& element) noexcept {
        Node& node = element;
        node.leave();
        node.prev_ = head_.prev_;
        node.next_ = &head_;
        head_.prev_->next_ = &node;
        head_.prev_ = &node;
    }

    class Front {
      public:
        explicit Front(ListNode<T>* node) noexcept : node_(node) {}
        T& get() const noexcept { return static_cast<T&>(*node_); }
        void leave_node() const noexcept { node_->leave(); }

      private:
        ListNode<T>* node_;
    };
    // The first element; the list must not be empty.
    Front front() const noexcept { return Front(head_.next_); }

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
    using Node = ListNode<T>;
    Node head_;
};

}  // namespace pcas
