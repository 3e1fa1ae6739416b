-- Schema 1. Every row that the ledger answers for has id, site and salt first, in this order.

CREATE TABLE schema (version {int} NOT NULL, ward TEXT NOT NULL, applied_at {int} NOT NULL) {strict};

-- The ledger: leaves are the truth (data: the public entry; changes: the rows it answers for); tiles and checkpoints derive from
-- them.
CREATE TABLE leaves (id {id}, data {blob} NOT NULL, changes {blob} NOT NULL) {strict};
CREATE TABLE tiles (level {int} NOT NULL, number {int} NOT NULL, width {int} NOT NULL, data {blob} NOT NULL, PRIMARY KEY (level, number, width)) {strict};
CREATE TABLE checkpoints (size {int} NOT NULL PRIMARY KEY, note TEXT NOT NULL, signed_at {int} NOT NULL, witnesses {int} NOT NULL) {strict};

CREATE TABLE sites (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, name TEXT NOT NULL, time_zone TEXT NOT NULL, UNIQUE (site)) {strict};
CREATE TABLE deciders (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, hash {blob} NOT NULL, ward TEXT NOT NULL, catalog {blob} NOT NULL, model {blob} NOT NULL) {strict};
CREATE TABLE acts (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, act_key TEXT NOT NULL, leaf {int} NOT NULL, UNIQUE (site, act_key)) {strict};
CREATE TABLE cursors (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, source TEXT NOT NULL, sequence {int} NOT NULL, position TEXT NOT NULL, observed_at {int} NOT NULL, UNIQUE (site, source)) {strict};
CREATE TABLE marks (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, name TEXT NOT NULL, value {int} NOT NULL, UNIQUE (site, name)) {strict};
CREATE TABLE policies (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (site, name)) {strict};
CREATE TABLE outbox (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL, due_at {int} NOT NULL, attempts {int} NOT NULL, last_error TEXT) {strict};
CREATE INDEX outbox_due ON outbox (state, due_at);

-- Records as they came, in blocks of a micro-batch.
CREATE TABLE blocks (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, source TEXT NOT NULL, first_sequence {int} NOT NULL, last_sequence {int} NOT NULL, records {int} NOT NULL, observed_from {int} NOT NULL, observed_to {int} NOT NULL, data {blob} NOT NULL) {strict};
CREATE INDEX blocks_time ON blocks (site, observed_to);

-- Endpoints, and everything heard of each.
CREATE TABLE subjects (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, domain {int} NOT NULL, address TEXT NOT NULL, folded {int} NOT NULL, first_seen {int} NOT NULL, last_seen {int} NOT NULL, evidence {blob} NOT NULL, UNIQUE (site, domain, address)) {strict};

-- Devices, and which endpoint was whose, bitemporal: true from-to in the world, known from-to to Ward; NULL is "still".
CREATE TABLE devices (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, device {int} NOT NULL, device_key TEXT NOT NULL, name TEXT, vendor TEXT, class TEXT, zone TEXT, review TEXT NOT NULL, router {int} NOT NULL, behind {int}, merged_into {int}, card TEXT, first_seen {int} NOT NULL, known_from {int} NOT NULL, known_to {int}) {strict};
CREATE INDEX devices_device ON devices (site, device);
CREATE INDEX devices_behind ON devices (site, behind) WHERE behind IS NOT NULL;
CREATE TABLE bindings (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, endpoint TEXT NOT NULL, device {int} NOT NULL, true_from {int} NOT NULL, true_to {int}, known_from {int} NOT NULL, known_to {int}) {strict};
CREATE INDEX bindings_device ON bindings (site, device);
CREATE INDEX bindings_endpoint ON bindings (site, endpoint);
CREATE TABLE claims (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, endpoint TEXT NOT NULL, attribute TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL, confidence {int} NOT NULL, true_from {int} NOT NULL, true_to {int}, known_from {int} NOT NULL, known_to {int}) {strict};
CREATE INDEX claims_endpoint ON claims (site, endpoint);
CREATE TABLE decisions (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, kind TEXT NOT NULL, device {int} NOT NULL, other {int}, subject TEXT, reason TEXT NOT NULL, decided_by TEXT NOT NULL, decided_at {int} NOT NULL, reverted_at {int}) {strict};
CREATE TABLE findings (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, device {int} NOT NULL, kind TEXT NOT NULL, protocol TEXT NOT NULL, summary TEXT NOT NULL, evidence TEXT NOT NULL, first_seen {int} NOT NULL, last_seen {int} NOT NULL, known_from {int} NOT NULL, known_to {int}) {strict};
CREATE INDEX findings_device ON findings (site, device);
CREATE INDEX findings_kind ON findings (site, kind, known_to);

-- What happened, and who talked to whom.
CREATE TABLE events (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, endpoint TEXT NOT NULL, peer TEXT, kind TEXT NOT NULL, protocol TEXT NOT NULL, detail TEXT NOT NULL, happened_at {int} NOT NULL) {strict};
CREATE INDEX events_time ON events (site, happened_at);
CREATE INDEX events_endpoint ON events (site, endpoint, happened_at);
CREATE TABLE pairs (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, client TEXT NOT NULL, server TEXT NOT NULL, protocol TEXT NOT NULL, transport TEXT NOT NULL, service_port {int} NOT NULL, UNIQUE (site, client, server, protocol, transport, service_port)) {strict};
CREATE INDEX pairs_server ON pairs (site, server);
CREATE TABLE talks (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, pair {int} NOT NULL, hour {int} NOT NULL, folded {int} NOT NULL, client_packets {int} NOT NULL, server_packets {int} NOT NULL, client_bytes {int} NOT NULL, server_bytes {int} NOT NULL, flows {int} NOT NULL, verbs TEXT NOT NULL, UNIQUE (pair, hour)) {strict};
CREATE INDEX talks_hour ON talks (site, hour);
CREATE TABLE talk_days (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, pair {int} NOT NULL, day {int} NOT NULL, client_packets {int} NOT NULL, server_packets {int} NOT NULL, client_bytes {int} NOT NULL, server_bytes {int} NOT NULL, flows {int} NOT NULL, verbs TEXT NOT NULL, UNIQUE (pair, day)) {strict};
CREATE INDEX talk_days_day ON talk_days (site, day);

-- What could not be seen.
CREATE TABLE coverage (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, sensor {int} NOT NULL, hour {int} NOT NULL, counters TEXT NOT NULL, UNIQUE (site, sensor, hour)) {strict};
CREATE TABLE gaps (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, source TEXT NOT NULL, gap_from {int} NOT NULL, gap_to {int} NOT NULL, reason TEXT NOT NULL) {strict};

-- Data keys of people and devices, wrapped; a row that is gone is a key that is gone. What they seal.
CREATE TABLE subject_keys (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, subject TEXT NOT NULL, wrapped {blob} NOT NULL, master {int} NOT NULL, created_at {int} NOT NULL, UNIQUE (site, subject)) {strict};
CREATE TABLE sealed (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, data {blob} NOT NULL, sealed_at {int} NOT NULL, UNIQUE (site, subject, name)) {strict};

-- The everyday nouns. `about` says of what: `site`, `device|d-…`, `finding|N`, `zone|N`.
CREATE TABLE tasks (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, title TEXT NOT NULL, detail TEXT NOT NULL, about TEXT NOT NULL, owner TEXT, due_at {int}, ticket TEXT, state TEXT NOT NULL, created_by TEXT NOT NULL, created_at {int} NOT NULL, changed_at {int} NOT NULL) {strict};
CREATE INDEX tasks_about ON tasks (site, about);
CREATE INDEX tasks_state ON tasks (site, state, due_at);
CREATE TABLE exceptions (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, about TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL, asked_by TEXT NOT NULL, approver TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL, revoked_at {int}, revoked_by TEXT) {strict};
CREATE INDEX exceptions_about ON exceptions (site, about);
CREATE TABLE windows (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, name TEXT NOT NULL, about TEXT NOT NULL, ical TEXT NOT NULL, created_by TEXT NOT NULL, created_at {int} NOT NULL, ended_at {int}) {strict};
CREATE TABLE notes (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, about TEXT NOT NULL, body TEXT NOT NULL, written_by TEXT NOT NULL, written_at {int} NOT NULL, withdrawn_at {int}) {strict};
CREATE INDEX notes_about ON notes (site, about);
CREATE TABLE saved_views (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, name TEXT NOT NULL, page TEXT NOT NULL, query TEXT NOT NULL, created_by TEXT NOT NULL, created_at {int} NOT NULL, deleted_at {int}) {strict};
CREATE TABLE reports (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, name TEXT NOT NULL, page TEXT NOT NULL, query TEXT NOT NULL, format TEXT NOT NULL, schedule TEXT NOT NULL, created_by TEXT NOT NULL, created_at {int} NOT NULL, next_at {int}, ended_at {int}) {strict};
CREATE TABLE report_copies (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, report {int} NOT NULL, made_at {int} NOT NULL, rows {int} NOT NULL, data {blob} NOT NULL) {strict};
CREATE INDEX report_copies_report ON report_copies (site, report);
CREATE TABLE edits (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, change TEXT NOT NULL, devices {int} NOT NULL, reason TEXT NOT NULL, edited_by TEXT NOT NULL, edited_at {int} NOT NULL, reverted_by TEXT, reverted_at {int}) {strict};
CREATE TABLE edit_items (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, edit {int} NOT NULL, device {int} NOT NULL, opened TEXT NOT NULL, closed TEXT NOT NULL) {strict};
CREATE INDEX edit_items_edit ON edit_items (site, edit);
CREATE INDEX edit_items_device ON edit_items (site, device);

-- Zones, and what puts an address into one. A device's zone follows from them, or from a person's claim.
CREATE TABLE zones (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, name TEXT NOT NULL, purpose TEXT NOT NULL, source TEXT NOT NULL, created_by TEXT NOT NULL, created_at {int} NOT NULL, deleted_at {int}) {strict};
CREATE TABLE zone_rules (id {id}, site {int} NOT NULL, salt {blob} NOT NULL, zone {int} NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL, created_by TEXT NOT NULL, created_at {int} NOT NULL, deleted_at {int}) {strict};
CREATE INDEX zone_rules_zone ON zone_rules (site, zone);
