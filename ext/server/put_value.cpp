#include "server/put_value.hpp"

#include <caerr.h>
#include <db_access.h>

#include <cstdio>
#include <cstring>

#include "base/log.hpp"
#include "dbr/codec.hpp"

namespace pcas {

namespace {

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

}  // namespace

std::string put_value(const Message& put) {
    const Header& header = put.header;
    const DbrType type{header.type};
    std::string elements = std::to_string(header.count) + " elements";
    if (header.count != 1 || put.dropped) return elements;
    const DbfType as = header.type == DBR_STRING ? DbfType::String : DbfType::Double;
    static const Metadata kNoLabels;
    const Decoded decoded = decode(type, 1, put.payload, {as, 1, &kNoLabels});
    if (decoded.status != ECA_NORMAL) return elements;
    const std::byte* data = decoded.snapshot->data();
    if (as == DbfType::String) {
        const char* text = reinterpret_cast<const char*>(data);
        return "'" + printable({text, strnlen(text, kStringSize)}) + "'";
    }
    double value;
    std::memcpy(&value, data, sizeof value);
    return number(value);
}

}  // namespace pcas
