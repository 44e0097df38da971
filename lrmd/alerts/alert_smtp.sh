#!/bin/sh
# alert_smtp.sh: an alert agent that sends a mail for each event.
# Part of Raftmaker. SPDX-License-Identifier: GPL-2.0-or-later
#
#   crm configure alert mail /usr/share/raftmaker/alerts/alert_smtp.sh select nodes fencing to ann@example.net
#
# The recipient is the address. It needs a sendmail command, as postfix, exim4, msmtp-mta and others bring one.
# Attributes: email_sender (hacluster@ this host), email_client (the command; sendmail).

fail() {
    echo "alert_smtp.sh: $*" >&2
    exit 1
}

# What goes into a header must not begin another one.
one_line() {
    printf '%s' "$*" | tr '\r\n' '  '
}

subject() {
    case $CRM_alert_kind in
        node) echo "node $CRM_alert_node is now $CRM_alert_desc" ;;
        fencing) echo "fencing of $CRM_alert_node: $CRM_alert_desc" ;;
        resource) echo "$CRM_alert_task of $CRM_alert_rsc on $CRM_alert_node: $CRM_alert_desc" ;;
        attribute) echo "$CRM_alert_attribute_name of $CRM_alert_node is now '$CRM_alert_attribute_value'" ;;
        *) echo "an event of kind $CRM_alert_kind" ;;
    esac
}

[ -n "$CRM_alert_version" ] || fail "the cluster runs this; by hand there is nothing to tell"
[ -n "$CRM_alert_recipient" ] || fail "give the alert a recipient: an address"
# A monitor that was cancelled is nobody's mail.
[ "$CRM_alert_desc" != Cancelled ] || exit 0

# sendmail is where only administrators look.
PATH=$PATH:/usr/sbin:/usr/lib
client=${email_client:-sendmail}
command -v "$client" >/dev/null || fail "there is no $client here; install one, or name it in email_client"
host=$(uname -n)
sender=${email_sender:-hacluster}
case $sender in *@*) ;; *) sender=$sender@$host ;; esac
cluster=$(crm_attribute --query --name cluster-name --quiet 2>/dev/null)

"$client" -t -i -f "$sender" <<END || fail "$client did not take the mail"
From: $(one_line "$sender")
To: $(one_line "$CRM_alert_recipient")
Subject: $(one_line "${cluster:+[$cluster] }$(subject)")
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Auto-Submitted: auto-generated

At $CRM_alert_timestamp $host saw: $(subject)

$(env | grep '^CRM_alert_' | sort)
END
