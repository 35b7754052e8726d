// What a subscription sends of events.
#include <pvxs/source.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "pva/monitor.hpp"

using namespace pcas;
using namespace pcas::pva;
using pvxs::Value;

namespace {

using Sent = std::vector<Value>;

// Keeps what is posted.
class Kept final : public pvxs::server::MonitorControlOp {
  public:
    explicit Kept(std::shared_ptr<Sent> sent)
        : MonitorControlOp("X", nullptr, None), sent_(std::move(sent)) {}
    void stats(pvxs::server::MonitorStat&, bool) const override {}
    void setWatermarks(size_t, size_t) override {}
    void onStart(std::function<void(bool)>&&) override {}
    void onHighMark(std::function<void()>&&) override {}
    void onLowMark(std::function<void()>&&) override {}
    void logRemote(pvxs::Level, const std::string&) override {}

  protected:
    bool doPost(const Value& value, bool, bool) override {
        sent_->push_back(value);
        return true;
    }

  private:
    const std::shared_ptr<Sent> sent_;
};

SnapshotPtr number(double value, AlarmState alarm = {0, 0}) {
    Ref<Snapshot> made = Snapshot::create(DbfType::Double, 1);
    std::memcpy(made->mutable_data(), &value, sizeof value);
    made->metadata = MetadataPtr(new Metadata);
    made->alarm = alarm;
    return made;
}

// A subscription with what it has sent.
struct Subscribed {
    explicit Subscribed(EventMask mask = kValueEvent | kAlarmEvent | kPropertyEvent)
        : monitor(mask, std::make_unique<Kept>(sent)) {}

    const Form form = form_of(DbfType::Double, 1, *MetadataPtr(new Metadata));
    const std::shared_ptr<Sent> sent = std::make_shared<Sent>();
    Monitor monitor;

    void post(double value, std::uint64_t post_number, EventMask mask = kValueEvent,
              AlarmState alarm = {0, 0}) {
        const Event event{number(value, alarm), mask, post_number};
        EventValues values(form, event.snapshot);
        const Value made = monitor.on_event(values, event);
        if (made) monitor.send(made);
    }
    std::vector<double> numbers() const {
        std::vector<double> found;
        for (const Value& value : *sent) found.push_back(value["value"].as<double>());
        return found;
    }
    bool last_has(const char* field) const { return sent->back()[field].isMarked(); }
};

}  // namespace

TEST_CASE("pva: a monitor starts with a whole value, older events are not for it") {
    Subscribed s;
    s.monitor.start(s.form, number(5), 10);
    s.post(4, 9);
    s.post(5, 10);
    s.post(6, 11);
    CHECK(s.numbers() == std::vector<double>{5, 6});
    CHECK((*s.sent)[0]["display.units"].isMarked());
    CHECK(!s.last_has("display.units"));
}

TEST_CASE("pva: an alarm is sent when it has changed") {
    Subscribed s;
    s.monitor.start(s.form, number(5), 0);
    s.post(6, 1);
    CHECK(!s.last_has("alarm.severity"));
    s.post(7, 2, kValueEvent, {4, 1});
    CHECK(s.last_has("alarm.severity"));
    s.post(8, 3, kValueEvent, {4, 1});
    CHECK(!s.last_has("alarm.severity"));
}

TEST_CASE("pva: a mask chooses events, and the alarm of one left out is sent later") {
    Subscribed s(kValueEvent);
    s.monitor.start(s.form, number(5), 0);
    s.post(5, 1, kAlarmEvent, {4, 1});
    s.post(5, 2, kPropertyEvent);
    CHECK(s.sent->size() == 1u);
    s.post(6, 3, kValueEvent, {4, 1});
    CHECK(s.last_has("alarm.severity"));
}

TEST_CASE("pva: a property event has no value") {
    Subscribed s;
    s.monitor.start(s.form, number(5), 0);
    s.post(5, 1, kPropertyEvent);
    CHECK(s.last_has("display.units"));
    CHECK(!s.last_has("value"));
}

TEST_CASE("pva: a monitor that waits for its first value keeps the newest") {
    Subscribed s;
    s.monitor.wait(10);
    s.post(6, 11);
    s.post(7, 12);
    CHECK(s.sent->empty());
    s.monitor.first_value(s.form, number(5));
    CHECK(s.numbers() == std::vector<double>{5, 7});
}

TEST_CASE("pva: a muted monitor sends nothing, and then the current value") {
    Subscribed s;
    s.monitor.start(s.form, number(5), 0);
    s.monitor.mute();
    s.post(6, 1);
    s.monitor.unmute(s.form, {number(8), 3, false});
    s.post(7, 2);  // was queued before
    s.post(9, 4);
    CHECK(s.numbers() == std::vector<double>{5, 8, 9});
}

TEST_CASE("pva: each subscription has a value of its own") {
    const Form form = form_of(DbfType::Double, 1, *MetadataPtr(new Metadata));
    const SnapshotPtr posted = number(5);
    EventValues values(form, posted);
    Value one = values.take(kWhole);
    Value other = values.take(kWhole);
    one["value"] = 6.0;
    CHECK(other["value"].as<double>() == 5);
}
