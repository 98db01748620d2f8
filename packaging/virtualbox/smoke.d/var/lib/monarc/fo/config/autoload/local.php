<?php
// Stands in for the configuration that MONARC's Packer build writes: its port, and a key that is the same in every copy.
return [
    'instanceName' => 'MONARC (VirtualBox VM)',
    'statsApi' => [
        'baseUrl' => 'http://127.0.0.1:5000',
        'apiKey' => 'the-same-in-every-image',
    ],
];
