// Access rights that change while a channel exists. They hold at once; the client is
// told when there is room for it, and only what holds then.
#include "server/circuit.hpp"

namespace pcas {

void Circuit::change_rights(std::uint32_t sid) noexcept {
    Channel* channel = closing_ ? nullptr : channels_.find(sid);
    if (!channel) return;
    guarded([&] {
        take_rights(*channel);
        send_rights_news();
        send_waiting_updates();
    });
}

void Circuit::change_all_rights() noexcept {
    channels_.for_each([this](const Channel& channel) { change_rights(channel.sid); });
}

void Circuit::take_rights(Channel& channel) {
    const bool could_read = channel.may_read();
    const std::uint32_t before = channel.rights;
    channel.rights = channel.access.take_rights();
    if (channel.rights == before) return;
    if (!channel.has_news) {
        rights_news_.push_back(channel.sid);
        channel.has_news = true;
    }
    if (could_read == channel.may_read() || !channel.subscriptions) return;
    for (auto& [subid, subscription] : *channel.subscriptions) {
        subscription.change_access(channel.may_read());
    }
}

void Circuit::send_rights_news() {
    while (rights_told_ < rights_news_.size()) {
        if (closing_ || output_.bytes() >= update_high_water_) return;
        Channel* channel = channels_.find(rights_news_[rights_told_++]);
        if (!channel) continue;  // cleared meanwhile
        channel->has_news = false;
        if (channel->rights != channel->told_rights) send_rights(*channel);
    }
    rights_news_.clear();
    rights_told_ = 0;
}

}  // namespace pcas
