//! Real captures that nobody here wrote. They run where `$WARD_CORPUS` is set and print their tables.

mod devices;
mod ja4;
mod medical;
mod ndpi;
mod robust;
