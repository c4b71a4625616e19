-- Makes the database :name with the services' roles and schemas (:roles is the path of services/roles.sql). Running it again is harmless.
SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
\connect :"name"
\i :roles
