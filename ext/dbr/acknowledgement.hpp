// What DBR_STSACK_STRING tells of a PV besides its value and alarm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pcas {

struct Acknowledgement {
    // ACKT: alarms that have ended wait to be acknowledged, too.
    bool transient = true;
    // ACKS: the worst one that waits for it.
    std::uint8_t severity = 0;

    // As an IOC's record when its alarm changes.
    void alarm_changed(std::uint16_t now) noexcept {
        if (now > 3) now = 3;  // INVALID
        if (!transient || now >= severity) severity = static_cast<std::uint8_t>(now);
    }
};

// Into what encode() has written as a kDbrStsackString, with an Acknowledgement{}.
void put_acknowledgement(std::span<std::byte> out, const Acknowledgement& a) noexcept;

}  // namespace pcas
