#include <memory>
#include <set>
#include <vector>

#include "base/indexed_list.hpp"
#include "check.hpp"

using namespace pcas;

namespace {

struct Item : IndexedNode<Item> {
    explicit Item(int n) : number(n) {}
    const int number;
};

std::multiset<int> numbers(IndexedList<Item>& list) {
    std::multiset<int> all;
    list.for_each([&](const Item& item) { all.insert(item.number); });
    return all;
}

}  // namespace

TEST_CASE("indexed list: elements leave it wherever they are") {
    IndexedList<Item> list;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 5; ++i) {
        items.push_back(std::make_unique<Item>(i));
        list.push_back(*items.back());
    }
    items[4].reset();
    CHECK(numbers(list) == std::multiset({0, 1, 2, 3}));
    items[0].reset();
    CHECK(numbers(list) == std::multiset({1, 2, 3}));
    items[2].reset();
    items[1].reset();
    items[3].reset();
    CHECK(list.empty());
}

TEST_CASE("indexed list: the element at hand may go while all are visited") {
    IndexedList<Item> list;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 20; ++i) {
        items.push_back(std::make_unique<Item>(i));
        list.push_back(*items.back());
    }
    std::multiset<int> seen;
    list.for_each([&](const Item& item) {
        const int number = item.number;
        seen.insert(number);
        if (number % 3 == 0) items[static_cast<std::size_t>(number)].reset();
    });
    CHECK(seen.size() == 20u);
    CHECK(seen.count(19) == 1u);
    CHECK(list.size() == 13u);
    CHECK(numbers(list).count(3) == 0u);
}

TEST_CASE("indexed list: elements may outlive it") {
    Item item(1);
    {
        IndexedList<Item> list;
        list.push_back(item);
    }
    IndexedList<Item> other;
    other.push_back(item);
    CHECK(other.size() == 1u);
}

namespace {

// Walks `steps` elements on; true at the end.
bool walk_on(IndexedList<Item>& list, int steps, std::multiset<int>& seen) {
    return list.walk([&](const Item& item) {
        seen.insert(item.number);
        return --steps > 0;
    });
}

}  // namespace

TEST_CASE("indexed list: a walk goes on where it stopped, whoever leaves meanwhile") {
    for (int leaves = 0; leaves < 6; ++leaves) {
        NOTE("leaves", leaves);
        IndexedList<Item> list;
        std::vector<std::unique_ptr<Item>> items;
        for (int i = 0; i < 6; ++i) {
            items.push_back(std::make_unique<Item>(i));
            list.push_back(*items.back());
        }
        std::multiset<int> seen;
        CHECK(!walk_on(list, 3, seen));
        CHECK(seen == std::multiset({0, 1, 2}));
        items[static_cast<std::size_t>(leaves)].reset();
        list.push_back(*items.emplace_back(std::make_unique<Item>(7)));
        while (!walk_on(list, 2, seen)) {
        }
        std::multiset<int> expected{0, 1, 2, 3, 4, 5, 7};
        if (leaves > 2) expected.erase(leaves);
        CHECK(seen == expected);
        std::multiset<int> again;
        while (!walk_on(list, 100, again)) {
        }
        CHECK(again.size() == 6u);
    }
}

TEST_CASE("indexed list: a walk may remove the element it is at, and all of them") {
    IndexedList<Item> list;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 5; ++i) {
        items.push_back(std::make_unique<Item>(i));
        list.push_back(*items.back());
    }
    int visits = 0;
    CHECK(list.walk([&](const Item& item) {
        ++visits;
        items[static_cast<std::size_t>(item.number)].reset();
        return true;
    }));
    CHECK(visits == 5);
    CHECK(list.empty());
    items.push_back(std::make_unique<Item>(9));
    list.push_back(*items.back());
    std::multiset<int> seen;
    CHECK(walk_on(list, 100, seen));
    CHECK(seen == std::multiset({9}));
}

TEST_CASE("indexed list: who leaves behind a walk that stopped at the end") {
    IndexedList<Item> list;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 3; ++i) {
        items.push_back(std::make_unique<Item>(i));
        list.push_back(*items.back());
    }
    std::multiset<int> seen;
    CHECK(!walk_on(list, 3, seen));
    items[0].reset();  // the last one takes its place
    items[2].reset();
    CHECK(list.size() == 1u);
    std::multiset<int> left;
    list.for_each([&](const Item& item) { left.insert(item.number); });
    CHECK(left == std::multiset({1}));
}
