-- The report of a receipt that came before its message was known, CloudEvents document: it is reported when the two are matched.
alter table sms_receipt add column event_document text;
