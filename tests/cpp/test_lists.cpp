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
