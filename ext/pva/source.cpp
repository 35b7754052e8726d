#include "pva/source.hpp"

#include <set>
#include <string>
#include <utility>

#include "pva/channel.hpp"

namespace pcas::pva {

void NameSource::onSearch(Search& search) {
    for (Search::Name& name : search) {
        Counters::add(core_->counters->pva_searches);
        if (!knows(name.name(), search.source())) continue;
        Counters::add(core_->counters->pva_search_hits);
        name.claim();
    }
}

bool NameSource::knows(const char* name, const char* client) {
    const Where where = core_->names->find(name, NameUse::Search).where;
    Misses& misses = core_->names->misses();
    if (where == Where::NotHere && misses.kept()) misses.note(name, {0, 0, client});
    if (where != Where::ByRequest) return where == Where::Here;
    const NamesAsked::Answer known = core_->asked.look_up(name);
    if (known != NamesAsked::Answer::Ask) return known == NamesAsked::Answer::Exists;
    Ref<ClientIdentity> who(new ClientIdentity);
    who->address = client;
    who->protocol = Protocol::PVAccess;
    const PvaRequestPtr request(new PvaRequest(RequestKind::Exists, core_->answers));
    request->client = who;
    request->name = name;
    core_->names->requests()->push(request);
    return false;  // clients search again
}

void NameSource::onCreate(std::unique_ptr<pvxs::server::ChannelControl>&& control) {
    try {
        create(std::move(control));
    } catch (const std::exception& error) {
        core_->log.add_caught("pva", "a new channel", error);
    }
}

void NameSource::create(std::unique_ptr<pvxs::server::ChannelControl>&& control) {
    const std::string name = control->name();
    if (core_->names->find(name, NameUse::Attach).where == Where::NotHere) return;
    const Channel::Control held(std::move(control));
    auto client = core_->connections.of(*held->credentials(),
                                        [this] { return core_->names->new_lane(); });
    std::shared_ptr<Channel> channel;  // let go of without the mutex
    {
        std::lock_guard turn(core_->turn);
        // With the mutex: a PV that is removed from now on finds this channel.
        const Found found = core_->names->find(name, NameUse::Attach);
        if (found.where == Where::NotHere) return;
        channel = std::make_shared<Channel>(core_, held, std::move(client),
                                            ++core_->last_channel);
        if (found.pv)
            channel->attach(found.pv);
        else if (!channel->ask_for_pv(name))
            return channel->drop();
    }
    channel->serve();
}

NameSource::List NameSource::onList() {
    auto names = std::make_shared<std::set<std::string>>();
    for (std::string& name : core_->names->table().names()) {
        names->insert(std::move(name));
    }
    return {std::shared_ptr<const std::set<std::string>>(std::move(names)), true};
}

}  // namespace pcas::pva
