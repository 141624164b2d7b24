alter table items add column price numeric(10, 2) not null default 1.50;
