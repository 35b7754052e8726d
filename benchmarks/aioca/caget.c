/* The floor of `aioca get`: what EPICS' caget does for one PV, and no more.
 *
 * caget NAME: connects, reads the value with alarm and time stamp, prints it, leaves.
 */
#include <stdio.h>
#include <stdlib.h>

#include <cadef.h>

#define SECONDS 5

int main(int count, char **arguments) {
    chid channel;
    struct dbr_time_double value;
    if (count != 2) return 2;
    if (ca_context_create(ca_disable_preemptive_callback) != ECA_NORMAL) return 1;
    if (ca_create_channel(arguments[1], NULL, NULL, CA_PRIORITY_DEFAULT, &channel) !=
            ECA_NORMAL ||
        ca_pend_io(SECONDS) != ECA_NORMAL ||
        ca_get(DBR_TIME_DOUBLE, channel, &value) != ECA_NORMAL ||
        ca_pend_io(SECONDS) != ECA_NORMAL) {
        fprintf(stderr, "no answer\n");
        return 1;
    }
    printf("%-30s %g\n", arguments[1], value.value);
    ca_context_destroy();
    return 0;
}
